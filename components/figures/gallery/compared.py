"""Galleries of several models beside each other, and the layers that are matched."""

from collections.abc import Iterable, Sequence

import numpy as np

from zfnet.components.figures.gallery.gallery import GalleryModel, layer_galleries
from zfnet.components.figures.layers import default_layers
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.sheet import side_by_side
from zfnet.model.deconvnet.deconvnet import Deconvnet


def draw_compared_gallery(
    models: Sequence[GalleryModel],
    rows: Sequence[Sequence[str | None]],
    *,
    maps: int,
    seed: int,
    within: str | None = None,
    matters: bool = False,
) -> Figure:
    """Draws the galleries of two models or more beside each other: a picture for each row of layers.

    Zeiler & Fergus 2013, Fig. 2 and section 4.1, compare the features of ZFNet with those of AlexNet.

    Args:
        rows: for each picture the layer of each model, in the models' order; None for a model that has none there. No model has a layer
            twice, and no two rows have the same first layer.
        maps, seed, within, matters: as in `draw_gallery`.

    Returns:
        Pictures `gallery_<layer>`, named after the first layer of the row; none for a row without positive units. The numbers
        name the `pictures`, the `rows`, and for each of `models` its `layers` as `draw_gallery` has them.
    """
    found = []
    for place, model in enumerate(models):
        layers = [layer for row in rows if (layer := row[place]) is not None]
        found.append(layer_galleries(model, layers, maps=maps, seed=seed, within=within, matters=matters))
    pictures, shown = {}, []
    for row in rows:
        sheets = [None if layer is None else galleries[layer].picture(1) for layer, galleries in zip(row, found, strict=True)]
        if any(sheet is not None for sheet in sheets):
            name = picture_name("gallery", next(layer for layer in row if layer is not None))
            pictures[name] = side_by_side(sheets, [_title(*each) for each in zip(models, row, sheets, strict=True)])
            shown.append({"picture": f"{name}.png", "layers": list(row)})
    about = [
        {"name": model.name, **model.about, "layers": {layer: each.numbers for layer, each in galleries.items()}}
        for model, galleries in zip(models, found, strict=True)
    ]
    return Figure("gallery", pictures, {"pictures": [f"{name}.png" for name in pictures], "rows": shown, "models": about})


def _title(model: GalleryModel, layer: str | None, sheet: np.ndarray | None) -> str:
    if layer is None:
        return f"{model.name}: no such layer"
    if layer in model.named and not model.named[layer]:
        return f"{model.name}, {layer}: no such map"
    return f"{model.name}, {layer}" + ("" if sheet is not None else ": never positive")


def layers_by_place(deconvnets: Sequence[Deconvnet]) -> tuple[list[tuple[str, ...]], list[list[str]]]:
    """Matches the default layers of models by their order: rows of one layer for each model; and each model's other layers."""
    layers = [default_layers(deconvnet) for deconvnet in deconvnets]
    shortest = min(map(len, layers))
    return list(zip(*(each[:shortest] for each in layers), strict=True)), [each[shortest:] for each in layers]


def layers_by_name(deconvnets: Sequence[Deconvnet], names: Iterable[str]) -> list[tuple[str | None, ...]]:
    """Matches layers by their name: for each name, once, the layer of every model, None if a model has none of that name.

    Raises:
        ValueError: no model has a layer of a name.
    """
    rows = []
    for name in dict.fromkeys(names):
        row = tuple(name if name in deconvnet.layers else None for deconvnet in deconvnets)
        if not any(row):
            deconvnets[0].graph.value_of(name)  # Its error lists the layers there are.
        rows.append(row)
    return rows
