"""`zfnet examples`: preprocessing alone."""

import pathlib
import shutil

import click

from zfnet.pipeline.command import Command
from zfnet.pipeline.options import beam_options_argument, command_line, runner_option
from zfnet.pipeline.outside_data import refuse_inside_data
from zfnet.pipeline.root_lock import root_lock
from zfnet.pipeline.run_config import RunConfig


@click.command(cls=Command, short_help="Prepare photographs for training, and nothing else.")
@click.argument("data")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    required=True,
    metavar="DIR",
    help="Directory to write, new or empty.",
)
@click.option(
    "--image-size",
    type=click.IntRange(min=1),
    default=RunConfig(None).input_size,
    show_default=True,
    metavar="N",
    help="Side of the input, in pixels, of the network that is to be trained; images are stored an eighth larger.",
)
@click.option("--num-shards", type=click.IntRange(min=1), metavar="N", show_default="by the number of examples", help="Files to write.")
@click.option(
    "--max-rejected",
    type=click.FloatRange(0, 1),
    default=RunConfig.max_rejected,
    show_default=True,
    metavar="SHARE",
    help="Share of unreadable photographs, 0 to 1, above which it fails.",
)
@runner_option
@beam_options_argument
def command(
    data: str, out: pathlib.Path, image_size: int, num_shards: int | None, max_rejected: float, runner: str, beam_options: tuple[str, ...]
) -> None:
    """Prepare the photographs DATA: a directory of TFRecords that TensorFlow Datasets reads, and that `zfnet run --data DIR` takes.

    DATA is what `zfnet run --data` takes.
    """
    from zfnet.components.artifacts import Examples
    from zfnet.components.data.source import open_source
    from zfnet.components.example_gen import generate_examples

    refuse_inside_data(out, data, "--out")
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty. Give another directory with --out, or empty it.")
    target = out.resolve()  # `.` has no name to write beside.
    beside = target.with_name(f".{target.name}.partial")
    examples, downloads = Examples(beside / "examples"), beside / "tfds"
    with root_lock(beside, command_line(), option="--out"):
        shutil.rmtree(examples.path, ignore_errors=True)  # Of one that was killed.
        examples.path.mkdir()
        try:
            generate_examples(
                examples,
                source=open_source(data, downloads),
                image_size=image_size,
                num_shards=num_shards,
                max_rejected=max_rejected,
                runner=runner,
                beam_options=beam_options,
            )
            pathlib.Path(examples.path).rename(target)
            shutil.rmtree(downloads, ignore_errors=True)
        finally:
            shutil.rmtree(examples.path, ignore_errors=True)
            if not downloads.exists():  # What was downloaded before it failed is kept: the same command goes on with it.
                shutil.rmtree(beside)
    examples = Examples(target)
    counts = ", ".join(f"{examples.count(split):,} for {split}" for split in ("train", "validation"))
    click.echo(f"{out}: {counts}, of {len(examples.labels)} classes")
