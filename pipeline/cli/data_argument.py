"""The argument DATA: examples at the size that a model needs."""

import pathlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.shard_plan import SPLITS
from zfnet.components.storage.files import is_remote

if TYPE_CHECKING:
    from zfnet.pipeline.cli.model_argument import ModelArgument


@dataclass(frozen=True)
class ExamplesToEvaluate:
    """Source of the examples of `split`: prepared ones, or photographs that are prepared when they are needed.

    `prepared` is empty if photographs are prepared for each size, below the directory `work`; TFDS prepares data sets in `downloads`.
    `data` is the DATA argument, or None for the examples of runs.
    """

    prepared: Sequence[Examples]
    data: str | None
    split: str
    work: pathlib.Path
    downloads: pathlib.Path

    @property
    def usual_size(self) -> int | None:
        """Image size, in pixels, for a model that accepts any; None if it is unknown."""
        return self.prepared[0].image_size if self.prepared else None

    def of_size(self, model: str, image_size: int, own: Examples | None = None) -> Examples:
        """Returns the examples for images of `image_size` pixels a side, prepared if necessary.

        `model` is the MODEL argument, for messages. `own` are the examples of the model's run, preferred to those of other runs.

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
            f"{model} expects images of {image_size} pixels, but {self.data or 'the data of the runs'} was prepared for {sizes}: "
            "give the original photographs with --data."
        )


def find_examples(models: "Sequence[ModelArgument]", data: str | None, split: str, work: pathlib.Path) -> ExamplesToEvaluate:
    """Finds the examples to evaluate models on; nothing is prepared yet.

    `data`, `split` and `work` are as in `ExamplesToEvaluate`; `work` is empty, and may be removed afterwards.

    Raises:
        click.UsageError: there is no DATA and no run, or photographs have no such split.
    """
    roots = [pathlib.Path(model.root) for model in models if model.root]
    downloads = roots[0] / "tfds" if roots else work / "tfds"
    if data is None:
        prepared = [model.examples for model in models if model.examples]
        if not prepared:
            raise click.UsageError("A model file does not name data to evaluate it on: give --data, or the directory of its run.")
    else:
        directory = epath.Path(data).expanduser()
        prepared = [Examples(directory)] if data and (directory / "manifest.json").exists() else []
        if prepared:
            from zfnet.components.data.sources.prepared import PreparedSource

            PreparedSource(data)  # raises for other manifests
    if not prepared and split not in SPLITS:
        raise click.UsageError(f"--split {split}: photographs have the splits {' and '.join(SPLITS)}.")
    return ExamplesToEvaluate(prepared, data, split, work, downloads)


def prepare_photographs(
    data: str, directory: pathlib.Path, downloads: pathlib.Path, image_size: int, *splits: str, err: bool = False
) -> Examples:
    """Prepares splits of DATA without unreadable photographs, however many there are; see `open_source` and `generate_examples`.

    The old contents of `directory` are removed. TFDS prepares data sets in `downloads`. `image_size` is the side of the network's input, in
    pixels. With `err`, messages go to the standard error rather than the standard output.
    """
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
        max_rejected=1,
        runner="FnApiRunner",
        beam_options=(),
        splits=splits,
    )
    if rejected := examples.read_json("manifest.json")["rejected"]:
        click.echo(f"{data}: skipped {rejected} unreadable photograph{'s' if rejected > 1 else ''}", err=err)
    return examples


def check_outside_data(directory: pathlib.PurePath, data: str, option: str) -> None:
    """Fails if a directory to be written is DATA or lies inside of it, where it would be taken for a class of photographs.

    `directory` is local or remote; `option` is the option that gives it, for the message.

    Raises:
        ValueError: it lies there.
    """
    # As in `open_source`, `photo_patches` is the data set even if there is a directory of this name.
    if not data or data == "photo_patches":
        return
    if is_remote(data):
        inside = epath.Path(directory).is_relative_to(epath.Path(data))
    else:
        photographs = pathlib.Path(data).expanduser()
        local = photographs.is_dir() and not is_remote(directory)
        inside = local and pathlib.Path(directory).resolve().is_relative_to(photographs.resolve())
    if inside:
        advice = f"Give one outside of it with {option}."
        raise ValueError(f"The directory {directory} lies inside of DATA {data}, where it would be taken for photographs. {advice}")
