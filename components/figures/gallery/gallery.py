"""The gallery: what the units of some layers answer to most, as projections and as patches."""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.tiles import GalleryTiles, gallery_numbers
from zfnet.components.figures.units import unit_name
from zfnet.components.pictures.png import write_png
from zfnet.components.pictures.sheet import picture_name
from zfnet.model.deconvnet.strongest import Strongest


class LayerGallery(NamedTuple):
    """The gallery of one layer.

    Attributes:
        sheet: draws it: a uint8 picture `(height, width, 3)`, with so many units a row, None for as many as make it about square; `None`
            if no unit is ever positive.
        numbers: what `gallery_numbers` tells.
    """

    sheet: Callable[[int | None], np.ndarray] | None
    numbers: dict[str, Any]


def find_galleries(
    search: ExampleSearch,
    layers: Sequence[str],
    *,
    maps: int,
    seed: int,
    named: Mapping[str, Sequence[int]] | None = None,
    labels: Sequence[str] = (),
) -> dict[str, LayerGallery]:
    """Finds, for each layer, the nine strongest activations of some of its units, at nine different places, and projects them.

    Zeiler & Fergus 2013, Fig. 2: over the validation examples, each activation projected to pixels beside its patch of the photograph.
    A projection has a scale of its own (`signed_scale`). Windows that leave the image are moved into it (`project_strongest`), so that
    all tiles of a layer are full and of one scale; where units see the whole image, it is shown.

    Args:
        search: of the model and the examples.
        layers: names of layers with feature maps, or of dense ones.
        maps: units a layer, at random; those that are never positive are left out.
        seed: decides which.
        named: for some of the layers the units, instead of ones at random.
        labels: names of the model's classes, for the headings.

    Returns:
        The gallery of each layer.

    Raises:
        ValueError: activations are not numbers.
    """
    strongest = search.strongest(layers)
    chosen = {}
    for layer, found in strongest.items():
        living = [unit for unit in (named or {}).get(layer, _shuffled(found, seed)) if found.values[unit, 0] > 0]
        units = living if layer in (named or {}) else sorted(living[:maps])
        shown = [(unit, rank) for unit in units for rank in search.different(layer, unit)]
        if shown:
            chosen[layer] = tuple(np.array(shown).T)
    drawn = {layer: GalleryTiles(*places) for layer, places in chosen.items()}
    for part in search.project(strongest, chosen):
        drawn[part.layer].add(part, search.image_input)

    def sheet(layer: str) -> Callable[[int | None], np.ndarray]:
        return lambda columns: drawn[layer].sheet(lambda unit: unit_name(search.deconvnet, layer, unit, labels), columns)

    return {
        layer: LayerGallery(sheet(layer) if layer in drawn else None, gallery_numbers(found, drawn.get(layer), search.origins.ids))
        for layer, found in strongest.items()
    }


def draw_galleries(
    search: ExampleSearch,
    layers: Sequence[str],
    folder: pathlib.Path,
    *,
    maps: int,
    seed: int,
    named: Mapping[str, Sequence[int]] | None = None,
    labels: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Draws the galleries of some layers, each a sheet of its own.

    Args:
        search: of the model and the examples.
        layers: names of layers.
        folder: gets `gallery_<layer>.png`, and `gallery.json` with the numbers of everything that is drawn.
        maps: units a layer.
        seed: decides which.
        named: or these.
        labels: names of the model's classes.

    Returns:
        For each layer the picture, a uint8 array `(height, width, 3)`; none for a layer that is never positive.
    """
    found = find_galleries(search, layers, maps=maps, seed=seed, named=named, labels=labels)
    pictures = {layer: gallery.sheet(None) for layer, gallery in found.items() if gallery.sheet}
    for layer, picture in pictures.items():
        write_png(picture, folder / picture_name("gallery", layer))
    (folder / "gallery.json").write_text(json.dumps({layer: gallery.numbers for layer, gallery in found.items()}, indent=1))
    return pictures


def _shuffled(strongest: Strongest, seed: int) -> list[int]:
    return np.random.default_rng(seed).permutation(len(strongest.values)).tolist()
