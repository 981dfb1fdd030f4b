"""`zfnet predict`: the classes that a model gives to images, in a table."""

import dataclasses
import functools
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

import click
from etils import epath

from zfnet.components.storage.files import is_remote
from zfnet.pipeline.cli.arguments import ModelArgument, find_model
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.options import beam_options_argument, custom_objects_option, image_size_option, model_argument, preprocessing_option
from zfnet.pipeline.cli.output import check_outside_data, make_its_directory

if TYPE_CHECKING:
    from zfnet.components.prediction.predict import Row
    from zfnet.components.prediction.predictor import Predictor

LISTED = 20  # images that can't be read


@click.command(cls=Command, short_help="Name the classes of images, in a table.")
@model_argument
@click.argument("data")
@click.option(
    "--out",
    type=click.Path(path_type=epath.Path),
    required=True,
    metavar="FILE",
    help="Table to write: .csv, .jsonl or .parquet. An existing file is replaced.",
)
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, metavar="K", help="Number of classes to name.")
@click.option(
    "--split",
    metavar="SPLIT",
    show_default="validation; all rows of a table",
    help="Data split of prepared examples, TFDS names and tables.",
)
@click.option("--runner", metavar="NAME", show_default="this process, without Beam", help="Beam runner that predicts.")
@preprocessing_option
@image_size_option
@custom_objects_option
@beam_options_argument
def command(
    model: str,
    data: str,
    out: epath.Path,
    top: int,
    split: str | None,
    runner: str | None,
    preprocessing: str | None,
    image_size: int | None,
    custom_objects: tuple[str, ...],
    beam_options: tuple[str, ...],
) -> None:
    """Write the most probable classes of each image of DATA to FILE, and its true class if DATA tells it.

    MODEL is a .keras or .h5 file, a directory that `zfnet run` wrote, a net by name such as keras:VGG16, or a SavedModel that `zfnet run`
    served, such as zfnet_run/serving/1. DATA is a folder of images,
    with or without class folders, at any depth; one image; a CSV of paths; prepared examples; or a TFDS name.
    """
    if beam_options and not runner:
        raise click.UsageError("Options of Beam need a runner: give --runner.")
    from zfnet.components.prediction.rows_file import check_suffix, write_rows

    check_suffix(out)
    if not is_remote(out):
        if out.is_dir():
            raise ValueError(f"--out {out} is a directory; give the name of a file, such as {out / 'predictions'}{out.suffix}.")
        check_outside_data(out.parent, data, "--out")
        if out.resolve() == pathlib.Path(data).expanduser().resolve():
            raise ValueError(f"--out {out} is DATA itself; give another file.")
        make_its_directory(pathlib.Path(out))
    from zfnet.components.serving.saved_model import served_directory

    served = served_directory(model)
    if served and (preprocessing or image_size or custom_objects):
        raise ValueError(f"{model} is a served model, which has its own preprocessing, size and layers: leave these options out.")
    found = None if served else find_model(model, custom_objects)
    if runner and not (found and found.net):
        from zfnet.components.data.beam.options import check_model_reaches_runner

        served, found = _absolute(served), found and dataclasses.replace(found, file=_absolute(found.file))  # workers may be elsewhere
        check_model_reaches_runner(runner, str(served or cast(ModelArgument, found).file))
    with tempfile.TemporaryDirectory(prefix="zfnet-predict-") as work:
        from zfnet.components.prediction.images import open_images
        from zfnet.components.prediction.predict import predict_images

        predictor = open_predictor(served, found, preprocessing, image_size, top, ())
        names = {label: label for label in (found.labels if found else predictor.labels)}
        if found and found.net and names:  # data of ImageNet may call a class n01440764 rather than tench
            names |= dict(zip((number for number, _ in found.net.classes()), found.labels, strict=True))
        images = open_images(data, split, names, pathlib.Path(work))
        if found and not found.labels and len(images.labels) == len(predictor.labels):
            click.echo(f"{model}: there is no labels.txt; its outputs are assumed to be the classes of the data, in their order", err=True)
            predictor.labels = list(images.labels)
        if runner:
            from zfnet.components.prediction.predict_on_beam import predict_on_beam

            opened = functools.partial(open_predictor, served, found, preprocessing, image_size, top, tuple(predictor.labels))
            rows = predict_on_beam(opened, images, out, runner, beam_options)
        else:
            rows = predict_images(predictor, images)
        tally = Tally(predictor.labels)
        write_rows(os.fspath(out), tally.passing(rows), min(top, len(predictor.labels)))
    click.echo(f"{out}: {tally}")
    if tally.foreign:
        click.echo(
            f"{tally.foreign:,} image{'s have' if tally.foreign > 1 else ' has'} a class in DATA that {model} does not have: "
            "do not compare the column class with label_1 there",
            err=True,
        )


class Tally:
    """Counts of the rows that pass.

    `images` is their number, `failed` that of images without a prediction, and `reasons` are lines about the first of these. `known` counts
    images of a known class, and `foreign` those whose class is not one of the model's `labels`.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = set(labels)
        self.images = self.failed = self.known = self.foreign = 0
        self.reasons: list[str] = []

    def passing(self, rows: "Iterable[Row]") -> "Iterator[Row]":
        """Yields the rows.

        Raises:
            ValueError: no image has a prediction.
        """
        for row in rows:
            path, truth, _, _, error = row
            self.images += 1
            self.known += bool(truth)
            self.foreign += bool(truth) and truth not in self._labels
            self.failed += bool(error)
            if error and self.failed <= LISTED:
                self.reasons.append(f"  {path}: {error}")
            yield row
        if self.failed == self.images:
            raise ValueError(f"None of the {self.images:,} images can be predicted ({self.reasons[0].strip()}).")

    def __str__(self) -> str:
        numbers = f"{self.failed:,} without a prediction, {self.known:,} with a known class"
        more = [f"  and {self.failed - LISTED:,} more, see the column error"] if self.failed > LISTED else []
        return "\n".join([f"{self.images:,} image{'s' if self.images > 1 else ''}, {numbers}", *self.reasons, *more])


def _absolute(path: epath.Path | None) -> epath.Path | None:
    return path if path is None or is_remote(path) else path.resolve()


def open_predictor(
    served: epath.Path | None,
    found: ModelArgument | None,
    preprocessing: str | None,
    image_size: int | None,
    top: int,
    labels: tuple[str, ...],
) -> "Predictor":
    """Opens the model that is `served` or `found`; `labels` replace the names of its classes, unless they are empty."""
    from zfnet.components.prediction.predictor import Predictor
    from zfnet.components.serving.saved_model import ServedModel

    if served:
        return Predictor.of_served(ServedModel(served), top)
    found = cast(ModelArgument, found)
    return Predictor.of_model(found.open_model(preprocessing)[0], list(labels) or found.labels, top, image_size)
