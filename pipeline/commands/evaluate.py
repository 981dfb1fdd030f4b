"""`zfnet evaluate`: how often models are wrong, each and together."""

from __future__ import annotations

import json
import pathlib
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.data_argument import ExamplesToEvaluate, find_examples
from zfnet.pipeline.cli.model_argument import ModelArgument, find_model
from zfnet.pipeline.cli.options import image_size_option, preprocessing_option
from zfnet.pipeline.cli.tables import error_table

if TYPE_CHECKING:
    import keras

    from zfnet.components.evaluation.probabilities import Probabilities


@click.command(cls=Command, short_help="Count the errors of models, and of their ensemble.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@click.option(
    "--data",
    metavar="DATA",
    show_default="what the runs were made on",
    help="Photographs to evaluate on, as `zfnet run --data` takes them. What TFDS downloads is kept in the directory of a run among the "
    "models, or where TFDS_DATA_DIR says.",
)
@click.option("--split", default="validation", show_default=True, metavar="SPLIT", help="Which part of them.")
@click.option("--ten-crop", is_flag=True, help="Average over the paper's ten crops too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@preprocessing_option
@image_size_option
def command(
    models: tuple[str, ...], data: str | None, split: str, ten_crop: bool, as_json: bool, preprocessing: str, image_size: int | None
) -> None:
    """Count top-1 and top-5 errors of each MODEL and, if there are several, of the average of their probabilities.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Models may take images of different sizes, and may know the classes in
    different orders: classes are told by their names, which are in the file labels.txt beside a model.
    """
    found = [find_model(model) for model in models]
    with tempfile.TemporaryDirectory(prefix="zfnet-evaluate-") as work:
        examples = find_examples(found, data, split, pathlib.Path(work))

        from zfnet.components.evaluation.errors import all_gpus, measure_ensemble

        with all_gpus().scope():
            opened = [each.open_model(preprocessing) for each in found]  # all, before photographs are prepared for one
            _refuse_needless_size([model for model, _ in opened], image_size)
            rows, voters = [], []
            for name, each, (model, used) in zip(models, found, opened, strict=True):
                voters.append(_voter(name, each, model, examples, image_size, ten_crop))
                size = voters[-1].image_input
                rows.append({"model": name, "height": size.height, "width": size.width, "preprocessing": used})
            single = measure_ensemble(voters, split)
            crops = measure_ensemble(voters, split, ten_crop=True) if ten_crop else [None] * len(single)
        *errors, ensemble = map(_errors, single, crops)
        first = voters[0].examples
        classes, named = len(first.labels), data or first.read_json("manifest.json").get("source")
    result = {
        "models": [row | each for row, each in zip(rows, errors, strict=True)],
        "ensemble": ensemble if len(models) > 1 else None,
        "examples": single[0]["examples"],
        "split": split,
        "data": named,
    }
    if as_json:
        click.echo(json.dumps(result, indent=1))
        return
    preprocessings = sorted({used for _, used in opened})
    click.echo("\n".join(error_table(result["models"], result["ensemble"], classes)))
    of = f"{split} examples of {classes:,} classes{f', {named}' if named else ''}"
    click.echo(f"{result['examples']:,} {of}; preprocessing {' and '.join(preprocessings)}")


def _refuse_needless_size(models: Sequence[keras.Model], image_size: int | None) -> None:
    if image_size is not None and not any(_any_size(model) or image_size in model.inputs[0].shape for model in models):
        shapes = " and ".join(sorted({str(model.inputs[0].shape) for model in models}))
        raise ValueError(f"--image-size {image_size} is for a model that takes any size; images of {shapes} are taken here: leave it out.")


def _any_size(model: keras.Model) -> bool:
    return None in model.inputs[0].shape[1:]


def _voter(
    name: str, found: ModelArgument, model: keras.Model, examples: ExamplesToEvaluate, image_size: int | None, ten_crop: bool
) -> Probabilities:
    """A model with the examples in its size, its order of classes and its mean image."""
    from zfnet.components.evaluation.class_order import class_order
    from zfnet.components.evaluation.probabilities import Probabilities
    from zfnet.components.inputs.image_input import ImageInput
    from zfnet.model.net.layers import MeanImage

    size = ImageInput.of(model, (image_size or examples.usual_size) if _any_size(model) else None).side
    prepared = examples.of_size(name, size, found.examples)
    labels, outputs = prepared.labels, model.outputs[0].shape[-1]
    order = None
    if found.labels:
        if len(found.labels) != outputs:
            raise ValueError(f"The labels.txt beside {found.file} names {len(found.labels)} classes, and the model has {outputs} outputs.")
        order = class_order(name, found.labels, labels)
    elif outputs == len(labels):
        click.echo(f"{name}: without a labels.txt, its {outputs} outputs are taken for the classes of the data, in their order", err=True)
    centres = any(isinstance(layer, MeanImage) for layer in model.layers)
    if ten_crop and centres and not found.statistics:
        click.echo(f"{name}: of its mean image only the centre is in the file, by which each of ten crops is centred", err=True)
    mean = found.statistics.mean_image() if centres and found.statistics else None
    return Probabilities(model, prepared, order=order, mean=mean)


def _errors(single: dict[str, Any], crops: dict[str, Any] | None) -> dict[str, float | None]:
    """The errors as `evaluation.json` of a run names them."""
    names = ("top1_error", "top5_error")
    return {name: single[name] for name in names} | {f"{name}_ten_crop": crops and crops[name] for name in names}
