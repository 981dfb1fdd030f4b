"""Photographs that are looked at once, prepared for that alone."""

from __future__ import annotations

import pathlib
import shutil
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from zfnet.components.artifacts import Examples


def prepare_photographs(
    data: str, directory: pathlib.Path, downloads: pathlib.Path, image_size: int, *splits: str, err: bool = False
) -> Examples:
    """Prepares splits of DATA; what can't be read is left out, however much of it there is.

    Args:
        data: what `zfnet run --data` takes.
        directory: where to; what is there is removed first.
        downloads: where TFDS prepares data sets, unless the environment names another place.
        image_size: side of the network's input, in pixels.
        splits: `"train"`, `"validation"` or both.
        err: whether to say on the standard error, rather than on the standard output, what is done.

    Returns:
        The examples.

    Raises:
        ValueError: there are no such photographs.
    """
    from zfnet.components.artifacts import Examples
    from zfnet.components.data.source import open_source
    from zfnet.components.example_gen import generate_examples

    examples = Examples(directory)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    click.echo(f"{data}: preparing photographs", err=err)
    generate_examples(
        examples,
        source=open_source(data, downloads),
        image_size=image_size,
        num_shards=None,
        max_rejected=1,  # What can't be read is not looked at, that is all.
        runner="FnApiRunner",
        beam_options=(),
        splits=splits,
    )
    if rejected := examples.read_json("manifest.json")["rejected"]:
        click.echo(f"{data}: {rejected} photograph{'s' if rejected > 1 else ''} can't be read and will be left out", err=err)
    return examples
