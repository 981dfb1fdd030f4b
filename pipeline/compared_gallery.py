"""What `zfnet gallery` does with several models."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from zfnet.pipeline.examples_to_evaluate import find_examples
from zfnet.pipeline.model_names import model_names

if TYPE_CHECKING:
    from zfnet.components.artifacts import Examples
    from zfnet.model.deconvnet.deconvnet import Deconvnet
    from zfnet.pipeline.drawn_directory import DrawnDirectory
    from zfnet.pipeline.model_argument import ModelArgument


def compare_galleries(
    models: Sequence[str],
    found: Sequence[ModelArgument],
    opened: Sequence[Deconvnet],
    directory: DrawnDirectory,
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
    from zfnet.components.data.local_copy import local_copy
    from zfnet.components.evaluation.same_examples import refuse_different_examples
    from zfnet.components.figures.compared_galleries import ComparedModel, draw_compared_galleries
    from zfnet.components.figures.matched_layers import layers_by_name, layers_by_place
    from zfnet.components.pictures.image_input import ImageInput

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
    refuse_different_examples(examples, "validation")
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
    from zfnet.components.figures.named_units import named_units

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
