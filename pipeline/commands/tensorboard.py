"""`zfnet tensorboard`: TensorBoard on the runs under a root."""

import contextlib
import io
import pathlib
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import click
from etils import epath

from zfnet.components.storage.files import RemoteDirectory, is_remote
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import root_option

ALL_STEPS = 1_000_000  # more than any training has; with 0, TensorBoard 2.21 keeps all images and shows none
INTERVAL = 30.0  # seconds between two downloads from a remote root


@click.command(cls=Command, short_help="Start TensorBoard on the runs under a root.")
@root_option
@click.argument("tensorboard_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- TENSORBOARD OPTIONS]")
def command(root: epath.Path, tensorboard_options: tuple[str, ...]) -> None:
    """Start TensorBoard on the logs of all trainings under a root, also while one runs.

    TensorBoard then shows all steps of an image, not ten. TENSORBOARD OPTIONS are passed on, as in
    `zfnet tensorboard -- --port 6007 --bind_all`.
    """
    from tensorboard import program

    if not root.is_dir():
        raise FileNotFoundError(f"There is no directory {root}. Start with `zfnet run`, or name the directory of a run with --root.")
    if not any(root.iterdir()):
        raise FileNotFoundError(f"Nothing was trained under {root}. Start with `zfnet run`, or name the directory of a run with --root.")
    # Also a directory that `zfnet.WatchFeatures` or another callback wrote.
    has_own = not (root / "tensorboard").is_dir() and any(root.glob("events.out.tfevents.*"))
    with _local_logs(root if has_own else root / "tensorboard") as logs:
        arguments = ["--logdir", str(logs), "--samples_per_plugin", f"images={ALL_STEPS}", *tensorboard_options]
        tensorboard = program.TensorBoard()
        _configure(tensorboard, arguments)
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the normal end.
            click.get_current_context().exit(1 if tensorboard.main() else 0)


def _configure(tensorboard: Any, arguments: list[str]) -> None:
    messages = io.StringIO()
    try:
        with contextlib.redirect_stderr(messages):
            tensorboard.configure(["tensorboard", *arguments])
    except SystemExit as error:  # argparse has printed a synopsis, then the error
        if error.code:
            wrong = messages.getvalue().rpartition("error: ")[2].strip()
            raise ValueError(f"TensorBoard can't use the options after --: {wrong}.") from error
        raise


@contextlib.contextmanager
def _local_logs(logs: epath.Path) -> Iterator[epath.PathLike]:
    """The directory of logs, or a local copy that follows it, since TensorBoard cannot read every storage that a run can."""
    if not is_remote(str(logs)):
        yield logs
        return
    with tempfile.TemporaryDirectory(prefix="zfnet-") as scratch:
        remote, ended = RemoteDirectory(logs), threading.Event()
        fetched: dict[str, Any] = {}

        def fetch() -> None:
            files = remote.files()
            remote.download([name for name, file in files.items() if fetched.get(name) != file], pathlib.Path(scratch))
            fetched.update(files)

        def follow() -> None:
            while not ended.wait(INTERVAL):
                with contextlib.suppress(Exception):  # The network may fail for a while.
                    fetch()

        fetch()
        threading.Thread(target=follow, daemon=True).start()
        try:
            yield scratch
        finally:
            ended.set()
