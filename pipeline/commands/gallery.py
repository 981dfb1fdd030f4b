"""`zfnet gallery`: the strongest activations of a model's units, projected."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.data_argument import find_examples
from zfnet.pipeline.cli.model_argument import ModelArgument, find_model, model_names
from zfnet.pipeline.cli.options import (
    DRAWN_LAYERS,
    data_option,
    image_size_option,
    layers_option,
    maps_option,
    named_maps_option,
    out_option,
    preprocessing_option,
    seed_option,
    unsupported_option,
)
from zfnet.pipeline.cli.output import FigureDirectory, figure_directory
from zfnet.pipeline.run_config import RunConfig

if TYPE_CHECKING:
    from zfnet.components.artifacts import Examples
    from zfnet.model.deconvnet.deconvnet import Deconvnet
    from zfnet.pipeline.cli.model_argument import ModelArgument
    from zfnet.pipeline.cli.output import FigureDirectory


@click.command(cls=Command, short_help="Draw what the units of a model answer to most.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@data_option
@layers_option(DRAWN_LAYERS, "Layer to draw")
@named_maps_option
@maps_option(RunConfig.maps_per_layer, "those that are ever positive")
@seed_option("which maps are drawn at random")
@out_option
@preprocessing_option
@image_size_option
@unsupported_option
def command(
    models: tuple[str, ...],
    data: str | None,
    layers: tuple[str, ...],
    named: tuple[str, ...],
    maps: int,
    seed: int,
    out: pathlib.Path,
    preprocessing: str,
    image_size: int | None,
    unsupported: str,
) -> None:
    """Draw, for feature maps of MODEL, their nine strongest activations over DATA: projections beside the patches of the photographs.

    MODEL is a .keras file, or a directory that `zfnet run` wrote. Writes DIR/gallery_LAYER.png for each layer, and DIR/gallery.json with
    the numbers behind everything that is drawn. The same --seed draws the same maps. In projections 0 is grey; each has a scale
    of its own, which the strongest 0.2 % of its values exceed.

    Several MODELs are drawn side by side over the same photographs, each at its own image size, such as ZFNet beside AlexNet. Their layers
    are matched by their place, the first beside the first, or by the names that --layer and --map give. A picture has the name of the first
    model's layer.
    """
    found = [find_model(model) for model in models]
    with figure_directory("gallery", out, data, pictures=_pictures) as directory:
        from zfnet.components.figures.units import never_positive

        opened = [each.open_deconvnet(preprocessing, unsupported) for each in found]
        choices: dict[str, Any] = {
            "layers": layers,
            "named": named,
            "maps": maps,
            "seed": seed,
            "image_size": image_size,
            "preprocessing": preprocessing,
        }
        if len(models) > 1:
            units = compare_galleries(models, found, opened, directory, data, **choices)
            numbers = json.loads((directory.drawing / "gallery.json").read_text())
            layers_of = [each["layers"] for each in numbers["models"]]
        else:
            units = [_draw_one(models[0], found[0], opened[0], directory, data, **choices)]
            layers_of = [numbers := json.loads((directory.drawing / "gallery.json").read_text())]
        dead = [
            f"{model}: {name} is never positive, not drawn"
            for model, *each in zip(models, units, layers_of, strict=True)
            for name in never_positive(*each)
        ]
    for line in dead:
        click.echo(line)
    for name in _pictures(numbers):
        click.echo(out / name)
    if len(models) == 1:
        for layer, each in numbers.items():
            if not each["maps"] and layer not in units[0]:
                click.echo(f"{layer}: no unit is ever positive, nothing to draw")
    click.echo(out / "gallery.json")


def _draw_one(
    model: str,
    found: ModelArgument,
    deconvnet: Deconvnet,
    directory: FigureDirectory,
    data: str | None,
    *,
    layers: tuple[str, ...],
    named: tuple[str, ...],
    maps: int,
    seed: int,
    image_size: int | None,
    preprocessing: str,
) -> dict[str, list[int]]:
    """Draws the galleries of one model; returns the units that were named."""
    from zfnet.components.figures.gallery.example_search import ExampleSearch
    from zfnet.components.figures.gallery.gallery import draw_galleries
    from zfnet.components.figures.layers import default_layers
    from zfnet.components.figures.units import named_units
    from zfnet.components.inputs.image_input import ImageInput

    units = named_units(deconvnet, named, found.labels)
    for layer in layers:
        deconvnet.graph.value_of(layer)
    chosen = tuple(dict.fromkeys((*layers, *units))) or default_layers(deconvnet)
    image_input = ImageInput.of(deconvnet.model, image_size)
    click.echo(f"{model}: preprocessing {preprocessing}, images of {image_input.height} x {image_input.width} pixels")
    examples = directory.examples(found, data, image_input.side)
    search = ExampleSearch(deconvnet, examples)
    draw_galleries(search, chosen, directory.drawing, maps=maps, seed=seed, named=units, labels=found.labels)
    return units


def _pictures(numbers: dict[str, Any]) -> Iterable[str]:
    """Names of the pictures: of several models they are listed; of one its layers are the keys, some of them without a picture."""
    from zfnet.components.pictures.sheet import picture_name

    listed = numbers.get("pictures")
    return listed if isinstance(listed, list) else [picture_name("gallery", layer) for layer, each in numbers.items() if each["maps"]]


def compare_galleries(
    models: Sequence[str],
    found: Sequence[ModelArgument],
    opened: Sequence[Deconvnet],
    directory: FigureDirectory,
    data: str | None,
    *,
    layers: Sequence[str],
    named: Sequence[str],
    maps: int,
    seed: int,
    image_size: int | None,
    preprocessing: str,
) -> list[dict[str, list[int]]]:
    """Draws the galleries of several models side by side, over the same photographs, each at the model's own size.

    Args:
        models: the MODEL arguments.
        found: what they name.
        opened: the deconvnets of the models.
        directory: where to draw.
        data: the DATA argument; None takes what the models' runs were made on, or `photo_patches` if there is no run.
        layers: which layers, by name; empty, with `named`, to match them by their place.
        named: units by name, `LAYER/NUMBER`.
        maps: units of each other layer, at random.
        seed: decides which.
        image_size: of models that take any.
        preprocessing: as it was chosen.

    Returns:
        For each model the units that were named.

    Raises:
        ValueError: the photographs are not the same, or no model has a layer or unit that is named.
    """
    from zfnet.components.evaluation.probabilities import check_same_examples
    from zfnet.components.figures.gallery.compared import ComparedModel, draw_compared_galleries, layers_by_name, layers_by_place
    from zfnet.components.inputs.image_input import ImageInput
    from zfnet.components.storage.local_copy import local_copy

    units = _named_in_each(models, found, opened, named)
    if layers or named:
        rows: list[Any] = layers_by_name(opened, (*layers, *(layer for each in units for layer in each)))
        for row in rows:
            for model, layer in zip(models, row, strict=True):
                if layer is None:
                    click.echo(f"{model}: no layer {next(filter(None, row))!r}")
    else:
        rows, more = layers_by_place(opened)
        for model, rest in zip(models, more, strict=True):
            if rest:
                click.echo(f"{model}: nothing to hold against {', '.join(rest)}, left out; --layer draws them by name")
    data = data if data is not None or any(each.examples for each in found) else "photo_patches"
    source = dataclasses.replace(find_examples(found, data, "validation", directory.work), downloads=directory.downloads)
    examples: list[Examples] = []
    about = []
    for model, each, deconvnet in zip(models, found, opened, strict=True):
        any_size = None in deconvnet.model.inputs[0].shape[1:]
        size = ImageInput.of(deconvnet.model, (image_size or source.usual_size) if any_size else None)
        click.echo(f"{model}: preprocessing {preprocessing}, images of {size.height} x {size.width} pixels")
        about.append({"model": model, "preprocessing": preprocessing, "height": size.height, "width": size.width})
        examples.append(local_copy(source.of_size(model, size.side, each.examples)))
    check_same_examples(examples, "validation")
    compared = [
        ComparedModel(name, deconvnet, prepared, each.labels, chosen)
        for name, deconvnet, prepared, each, chosen in zip(model_names(models), opened, examples, found, units, strict=True)
    ]
    draw_compared_galleries(compared, rows, directory.drawing, maps=maps, seed=seed, about=about)
    return units


def _named_in_each(
    models: Sequence[str], found: Sequence[ModelArgument], opened: Sequence[Deconvnet], named: Sequence[str]
) -> list[dict[str, list[int]]]:
    """The units of each model that are named; for a layer that it has, of which no unit is named but in others, none."""
    from zfnet.components.figures.units import named_units

    units: list[dict[str, list[int]]] = [{} for _ in models]
    for name in named:
        errors = []
        for model, argument, deconvnet, mine in zip(models, found, opened, units, strict=True):
            try:
                for layer, numbers in named_units(deconvnet, [name], argument.labels).items():
                    mine[layer] = sorted({*mine.get(layer, ()), *numbers})
            except ValueError as error:
                errors.append(error)
                click.echo(f"{model}: no map {name}")
        if len(errors) == len(models):
            raise errors[0]
    layers = {layer for mine in units for layer in mine}
    return [
        mine | {layer: [] for layer in layers - mine.keys() if layer in deconvnet.layers}
        for mine, deconvnet in zip(units, opened, strict=True)
    ]
