"""`zfnet tensorboard`: TensorBoard on the runs under a root."""

import contextlib
import pathlib

import click

from zfnet.pipeline.command import Command
from zfnet.pipeline.options import root_option

# More than any training has. Not 0: TensorBoard 2.21 then keeps all pictures and shows none.
ALL_STEPS = 1_000_000


@click.command(cls=Command, short_help="Start TensorBoard on the runs under a root.")
@root_option
@click.argument("tensorboard_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- TENSORBOARD OPTIONS]")
def command(root: pathlib.Path, tensorboard_options: tuple[str, ...]) -> None:
    """Start TensorBoard on everything that was trained under a root, also while it is being trained.

    Every step of a picture is kept, where TensorBoard by itself would show ten. TENSORBOARD OPTIONS are handed on, as in
    `zfnet tensorboard -- --port 6007 --bind_all`.
    """
    from tensorboard import program

    if not root.is_dir():
        raise FileNotFoundError(f"There is no directory {root}. `zfnet run` makes one; if it went elsewhere, say where with --root.")
    arguments = ["--logdir", str(root / "tensorboard"), "--samples_per_plugin", f"images={ALL_STEPS}", *tensorboard_options]
    tensorboard = program.TensorBoard()
    tensorboard.configure(["tensorboard", *arguments])
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end.
        click.get_current_context().exit(1 if tensorboard.main() else 0)
