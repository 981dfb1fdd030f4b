"""Galleries of several models side by side, layer by layer."""

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery import find_galleries
from zfnet.components.figures.layers import default_layers
from zfnet.components.pictures.png import write_png
from zfnet.components.pictures.sheet import picture_name, side_by_side
from zfnet.model.deconvnet.deconvnet import Deconvnet


class ComparedModel(NamedTuple):
    """One of the models.

    Attributes:
        name: the heading above its part of each picture.
        deconvnet: of the model, which takes RGB 0..255.
        examples: prepared for its larger side; the same photographs as those of the others.
        labels: names of its classes; empty if they are not known.
        named: for some of its layers the units to draw, instead of ones at random.
    """

    name: str
    deconvnet: Deconvnet
    examples: Examples
    labels: Sequence[str] = ()
    named: Mapping[str, Sequence[int]] = {}


def draw_compared_galleries(
    models: Sequence[ComparedModel],
    rows: Sequence[Sequence[str | None]],
    folder: pathlib.Path,
    *,
    maps: int,
    seed: int,
    about: Sequence[Mapping[str, Any]],
) -> dict[str, np.ndarray]:
    """Draws the galleries of models beside each other: a picture for each row of layers.

    Zeiler & Fergus 2013, Fig. 2 and section 4.1, where the features of ZFNet are held against those of AlexNet.

    Args:
        models: two or more.
        rows: for each picture the layer of each model, in the models' order; None for a model that has none there. No model has a layer
            twice, nor two rows the same first layer.
        folder: gets `gallery_<layer>.png`, named after the first layer of the row, and `gallery.json`.
        maps: units of each layer that are drawn at random.
        seed: decides which.
        about: what else `gallery.json` is to tell of each model.

    Returns:
        By name of the file the picture, a uint8 array; none for a row of layers of which no unit is ever positive.
    """
    found = []
    for place, model in enumerate(models):
        layers = [layer for row in rows if (layer := row[place]) is not None]
        search = ExampleSearch(model.deconvnet, model.examples, name=model.name)
        found.append(find_galleries(search, layers, maps=maps, seed=seed, named=model.named, labels=model.labels))
    pictures, shown = {}, []
    for row in rows:
        drawn = [None if layer is None else galleries[layer].sheet for layer, galleries in zip(row, found, strict=True)]
        sheets = [draw(1) if draw is not None else None for draw in drawn]
        if any(sheet is not None for sheet in sheets):
            name = picture_name("gallery", next(layer for layer in row if layer is not None))
            pictures[name] = side_by_side(sheets, [_title(*each) for each in zip(models, row, sheets, strict=True)])
            shown.append({"picture": name, "layers": list(row)})
            write_png(pictures[name], folder / name)
    galleries = [{"layers": {layer: gallery.numbers for layer, gallery in each.items()}} for each in found]
    told = [{"name": model.name, **more, **each} for model, more, each in zip(models, about, galleries, strict=True)]
    (folder / "gallery.json").write_text(json.dumps({"pictures": list(pictures), "rows": shown, "models": told}, indent=1))
    return pictures


def _title(model: ComparedModel, layer: str | None, sheet: np.ndarray | None) -> str:
    if layer is None:
        return f"{model.name}: no such layer"
    if layer in model.named and not model.named[layer]:
        return f"{model.name}, {layer}: no such map"
    return f"{model.name}, {layer}" + ("" if sheet is not None else ": never positive")


def layers_by_place(deconvnets: Sequence[Deconvnet]) -> tuple[list[tuple[str, ...]], list[list[str]]]:
    """Matches the default layers of models by their place: the first with the first.

    Args:
        deconvnets: of the models.

    Returns:
        For each place the layer of every model; and of each model the layers that are left over, since another has no more.
    """
    layers = [default_layers(deconvnet) for deconvnet in deconvnets]
    shortest = min(map(len, layers))
    return list(zip(*(each[:shortest] for each in layers), strict=True)), [each[shortest:] for each in layers]


def layers_by_name(deconvnets: Sequence[Deconvnet], names: Iterable[str]) -> list[tuple[str | None, ...]]:
    """Matches layers by their name.

    Args:
        deconvnets: of the models.
        names: of layers.

    Returns:
        For each name, once, the layer of every model: None where a model has none of that name.

    Raises:
        ValueError: no model has a layer of a name.
    """
    rows = []
    for name in dict.fromkeys(names):
        row = tuple(name if name in deconvnet.layers else None for deconvnet in deconvnets)
        if not any(row):
            deconvnets[0].graph.value_of(name)  # Says what is there instead.
        rows.append(row)
    return rows
