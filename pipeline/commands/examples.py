"""`zfnet examples`: images prepared for training, as TFRecords."""

import click
from etils import epath

from zfnet.components.data.beam.options import step_options
from zfnet.components.storage.files import is_remote
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import beam_options_argument, runner_option
from zfnet.pipeline.cli.output import check_outside_data, output_directory
from zfnet.pipeline.run_config import RunConfig


@click.command(cls=Command, short_help="Prepare images for training.")
@click.argument("data")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=epath.Path),
    required=True,
    metavar="DIR",
    help="Output directory, new or empty.",
)
@click.option(
    "--image-size",
    type=click.IntRange(min=1),
    default=RunConfig().input_size,
    show_default=True,
    metavar="N",
    help="Side of the network's input, in pixels. Images are stored with 8/7 of this side.",
)
@click.option(
    "--num-shards",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="by the number of examples",
    help="Number of files (shards) of the training split.",
)
@click.option(
    "--max-rejected",
    type=click.FloatRange(0, 1),
    default=RunConfig.max_rejected,
    show_default=True,
    metavar="SHARE",
    help="Largest accepted share of unreadable images, 0 to 1. Above it, the command fails.",
)
@runner_option
@beam_options_argument
def command(
    data: str, out: epath.Path, image_size: int, num_shards: int | None, max_rejected: float, runner: str, beam_options: tuple[str, ...]
) -> None:
    """Write the images of DATA as TFRecord files to DIR, for `zfnet run --data DIR` and for TensorFlow Datasets.

    DATA has any form that `zfnet run --data` accepts. DATA and DIR may be in Cloud Storage: gs://bucket/name.
    """
    from zfnet.components.artifacts import Examples
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    check_outside_data(out, data, "--out")
    options = step_options(beam_options, ("ExampleGen",))["ExampleGen"]
    examples = Examples(out if is_remote(out) else out.resolve())  # `.` would name another directory once it was replaced.
    with output_directory(out) as directory:
        generate_examples(
            Examples(directory.path),
            source=open_source(data, directory.downloads),
            image_size=image_size,
            num_shards=num_shards,
            max_rejected=max_rejected,
            runner=runner,
            beam_options=options,
        )
    counts = ", ".join(f"{examples.count(split):,} for {split}" for split in ("train", "validation"))
    click.echo(f"{out}: {counts}, of {len(examples.labels)} classes")
    if rejected := examples.read_json("manifest.json")["rejected"]:
        click.echo(f"{rejected:,} photograph{'s' if rejected > 1 else ''} can't be read, see {out / 'rejected.jsonl'}")
