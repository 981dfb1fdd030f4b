"""The exploration of a net: every map of some layers on one page, with its examples, classes, growth, and answers in photographs."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from zfnet.components.exploration.explored_layer import ExploredLayer
from zfnet.components.exploration.numbers import layer_numbers, photograph_numbers
from zfnet.components.exploration.page import Page
from zfnet.components.exploration.pictures import COLUMNS, add_examples, add_growth, add_images, add_photographs
from zfnet.components.exploration.places import PHOTOGRAPHS, chosen_photographs, unit_places
from zfnet.components.exploration.sheets import BLOCK, SIDE, fitted_size
from zfnet.components.figures.gallery.example_search import SHOWN, ExampleSearch
from zfnet.components.figures.layers import default_layers
from zfnet.components.pictures.projection_checks import MARGIN
from zfnet.components.training.kept_filters import KeptFilters
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.class_probabilities import class_layer
from zfnet.model.measures.shuffled_weights import Likeness

TILE, FOLDER_TILE = 112, 224  # Most pixels of a tile's side: in one file, and with a folder.
MOST_IMAGES = 3000  # Images that are stored whole although no patch is cut out of them.
SHUFFLED = 16  # Units of a layer whose projections are compared with those of shuffled weights.
MOST_CLASSES = 1000  # Units of the layer of classes, if it is explored by default.


class NothingActiveError(ValueError):
    """No unit of any explored layer is ever positive."""


def explored_layers(search: ExampleSearch) -> list[str]:
    """Names the layers that are explored by default: those of `default_layers`, and the layer of the classes."""
    deconvnet = search.deconvnet
    classes = class_layer(deconvnet)
    is_small = classes is not None and deconvnet.graph.unit_count(classes) <= MOST_CLASSES
    return [*default_layers(deconvnet), *([classes] if classes and is_small else [])]


def write_exploration(
    search: ExampleSearch,
    file: pathlib.Path,
    layers: Sequence[str],
    *,
    model: str,
    labels: Sequence[str] = (),
    kept: KeptFilters | None = None,
    folder: bool = False,
    photographs: int = PHOTOGRAPHS,
) -> None:
    """Writes an HTML page on which a reader looks at every unit of some layers.

    Each unit has its nine strongest activations at different places, projected to pixels beside their patches (Zeiler & Fergus 2013,
    Fig. 2); the classes that it answers to; a check of its strongest projection (`PixelCheck`); and if `kept` is given, its strongest
    activation after some epochs of the training (Fig. 4). In some photographs, the page shows the units that answer at a place. Memory does
    not grow with the number of images.

    Args:
        search: over labelled images.
        file: the page; an existing one is replaced.
        layers: names of layers, with feature maps or dense.
        model: its name on the page.
        labels: names of the model's classes, if known.
        kept: the filters of earlier moments.
        folder: whether pictures and numbers are files in a directory beside the page, `<name>_files`, which are loaded when they are
            needed; if not, they are in the page, and pictures are shrunk to 112 pixels.
        photographs: number of images to click on, at most.

    Raises:
        ValueError: activations are not numbers, a layer has neither maps nor dense units, the classes of the images are not known, or
            files of others lie in the directory beside the page.
        NothingActiveError: no unit of the layers is ever positive.
    """
    if not search.images.labels:
        raise ValueError(f"The classes of {search.images.name} are not known; expected labelled images, whose classes units answer to.")
    graph = search.deconvnet.graph
    if others := [layer for layer in layers if len(graph.shapes[graph.value_of(layer)]) not in (1, 3)]:
        shape = graph.shapes[graph.value_of(others[0])]
        raise ValueError(f"Layer {others[0]!r} has an output of the shape {shape}; expected maps (height, width, maps), or dense units.")
    strongest, most = search.strongest(layers), FOLDER_TILE if folder else TILE
    explored = [ExploredLayer.of(search, number, name, strongest[name], most) for number, name in enumerate(layers)]
    if not any(each.chosen for each in explored):
        raise NothingActiveError(f"No unit of {', '.join(layers)} is ever positive over {search.images.name}: there is nothing to show.")
    size, origins = search.images.image_input[:2], search.images.origins
    clicked = chosen_photographs(search, layers, photographs)
    stored, pictured = _stored_images(explored, strongest, clicked, origins.labels)
    places = {number: place for place, number in enumerate(stored)}
    with Page(file, folder) as page:
        add_images(page, search, stored[:pictured], most)
        drawn = add_examples(page, search, explored)
        growth = add_growth(page, search, explored, drawn, kept) if kept else {}
        for each in explored:
            name, answers = each.name, search.answers(each.name)
            numbers = layer_numbers(each, strongest[name], drawn[name], answers, _shuffled(search, each), growth.get(name), places)
            page.add_numbers(f"layer-{each.number}", numbers)
        shares, here = unit_places(search, layers, clicked)
        for row, tiles in enumerate(add_photographs(page, search, explored, clicked, here)):
            page.add_numbers(f"photograph-{row}", photograph_numbers([shares[layer] for layer in layers], row, tiles))
        page.write(
            f"{model}: every map",
            {
                "about": {"model": model, "data": search.images.name, "images": len(origins.ids)},
                "size": size,
                "stored": fitted_size(*size, most),
                "side": SIDE,
                "block": BLOCK,
                "margin": MARGIN,
                "columns": {"shown": SHOWN, "images": COLUMNS},
                "classes": list(search.images.labels),
                "moments": kept.titles if growth and kept else [],
                "images": {"names": [origins.ids[n] for n in stored], "classes": origins.labels[stored].tolist(), "pictured": pictured},
                "photographs": [places[number] for number in clicked],
                "layers": [each.entry(search, labels, each.name in growth) for each in explored],
            },
        )


def _shuffled(search: ExampleSearch, layer: ExploredLayer) -> Likeness | None:
    """Likeness of projections of some units, evenly spread, to those with all weights shuffled; None if no unit is ever positive."""
    living = np.array(list(layer.chosen), int)
    some = living[np.unique(np.linspace(0, len(living) - 1, SHUFFLED).round().astype(int))] if len(living) else living
    return search.shuffled(layer.name, some, np.zeros_like(some)) if len(some) else None


def _stored_images(
    layers: Sequence[ExploredLayer], strongest: Mapping[str, Strongest], clicked: Sequence[int], labels: np.ndarray
) -> tuple[list[int], int]:
    """Numbers of all images that the page names, and how many of them, the first, it shows whole; each part is sorted by class."""

    def used(chosen: Sequence[ExploredLayer]) -> set[int]:
        return {int(n) for each in chosen for unit, ranks in each.chosen.items() for n in strongest[each.name].examples[unit, ranks]}

    needed, named = used([each for each in layers if not each.has_patches]) | set(clicked), used(layers)
    shown = needed | named if len(needed | named) <= MOST_IMAGES else needed
    return [n for part in (shown, named - shown) for n in sorted(part, key=lambda n: (labels[n], n))], len(shown)
