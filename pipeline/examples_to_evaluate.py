"""The examples that models are evaluated on, cut for the size of each."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.data.shard_plan import SPLITS
from zfnet.pipeline.prepare_photographs import prepare_photographs

if TYPE_CHECKING:
    from zfnet.pipeline.model_argument import ModelArgument


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
            from zfnet.components.data.prepared_source import PreparedSource

            PreparedSource(data)  # refuses other manifests
    if not prepared and split not in SPLITS:
        raise click.UsageError(f"--split {split}: photographs have the splits {' and '.join(SPLITS)}.")
    return ExamplesToEvaluate(prepared, data, split, work, downloads)
