"""The argument DATA: examples at the size that a model needs."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.shard_plan import SPLITS

if TYPE_CHECKING:
    from zfnet.components.artifacts import Examples
    from zfnet.pipeline.cli.model_argument import ModelArgument


@dataclass(frozen=True)
class ExamplesToEvaluate:
    """Where the examples come from: what was prepared already, or photographs.

    Args:
        prepared: examples that are there; empty if photographs are prepared for each size.
        data: the DATA argument; None for the examples of runs.
        split: which split.
        work: a directory for what is prepared.
        downloads: where TFDS prepares data sets.
    """

    prepared: Sequence[Examples]
    data: str | None
    split: str
    work: pathlib.Path
    downloads: pathlib.Path

    @property
    def usual_size(self) -> int | None:
        """Image size, in pixels, for a model that takes any; None if nothing says."""
        return self.prepared[0].image_size if self.prepared else None

    def of_size(self, model: str, image_size: int, own: Examples | None = None) -> Examples:
        """The examples for a model.

        Args:
            model: the MODEL argument, for messages.
            image_size: side of its images, in pixels.
            own: examples of its own run, which go before those of others.

        Raises:
            ValueError: they were prepared for another size.
        """
        if self.data is not None and not self.prepared:
            directory = self.work / str(image_size)
            if directory.exists():  # for a model before this one
                return Examples(directory)
            return prepare_photographs(self.data, directory, self.downloads, image_size, self.split, err=True)
        candidates = [own, *self.prepared] if own and self.data is None else self.prepared
        for examples in candidates:
            if examples.image_size == image_size:
                return examples
        sizes = " and ".join(sorted({str(examples.image_size) for examples in self.prepared}))
        raise ValueError(
            f"{model} takes images of {image_size} pixels, but {self.data or 'what the runs were trained on'} was prepared for {sizes}: "
            "name the photographs themselves with --data."
        )


def find_examples(models: Sequence[ModelArgument], data: str | None, split: str, work: pathlib.Path) -> ExamplesToEvaluate:
    """Finds what to evaluate models on; nothing is prepared yet.

    Args:
        models: the models.
        data: the DATA argument; None takes the examples that the models' runs were made on.
        split: which split.
        work: an empty directory, which may be removed afterwards.

    Returns:
        Where the examples come from.

    Raises:
        click.UsageError: there is no DATA and no run, or photographs have no such split.
    """
    roots = [pathlib.Path(model.root) for model in models if model.root]
    downloads = roots[0] / "tfds" if roots else work / "tfds"
    if data is None:
        prepared = [model.examples for model in models if model.examples]
        if not prepared:
            raise click.UsageError("A model file does not say what to evaluate it on: give --data, or the directory of its run.")
    else:
        directory = epath.Path(data).expanduser()
        prepared = [Examples(directory)] if data and (directory / "manifest.json").exists() else []
        if prepared:
            from zfnet.components.data.sources.prepared import PreparedSource

            PreparedSource(data)  # refuses other manifests
    if not prepared and split not in SPLITS:
        raise click.UsageError(f"--split {split}: photographs have the splits {' and '.join(SPLITS)}.")
    return ExamplesToEvaluate(prepared, data, split, work, downloads)


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
    from zfnet.components.data.sources.open_source import open_source
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


def check_outside_data(directory: pathlib.PurePath, data: str, option: str) -> None:
    """Fails if `directory` is the directory DATA or lies inside of it, where it would be taken for a class of photographs.

    Args:
        directory: a directory to be written, local or remote.
        data: the DATA argument; what is no directory holds nothing.
        option: the option by which `directory` is given, for the message.

    Raises:
        ValueError: it lies there.
    """
    # As for `open_source`, the data set has the name before a directory.
    if not data or data == "photo_patches":
        return
    if "://" in data:
        inside = epath.Path(directory).is_relative_to(epath.Path(data))
    else:
        photographs = pathlib.Path(data).expanduser()
        inside = photographs.is_dir() and "://" not in str(directory)
        inside = inside and pathlib.Path(directory).resolve().is_relative_to(photographs.resolve())
    if inside:
        raise ValueError(
            f"The directory {directory} lies inside of DATA {data}, where it would be taken for photographs. "
            f"Give one outside of it with {option}."
        )
