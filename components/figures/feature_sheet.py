"""The sheet of features: the filters of the first layer and a few feature maps of each layer above, on one picture."""

import collections
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zfnet.components.figures.filters.report import first_layer
from zfnet.components.figures.gallery.answers import answer_words
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery_tiles import GalleryTiles, gallery_numbers
from zfnet.components.figures.layers import default_convolutions, default_layers
from zfnet.components.figures.units import VariedMap, varied_maps
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.sheet import BACKGROUND, GAP, INK, block, cut_text
from zfnet.model.deconvnet.strongest import Strongest

# This part of a net fits on a screen, and is readable at two thirds of its size.
ROWS, MAPS, FILTERS = 5, 3, 48
TILE, LARGEST_FILTER, FILTERS_A_ROW = 56, 52, 24
# Between the two halves of a map, between maps, between rows, and around all; in pixels.
HALVES, APART, ROW_GAP, MARGIN = 8, 47, 14, 20
LABEL, HEADING = 128, 26
# Heights of letters: names of layers, the rest, and the least for long names.
NAME, TEXT, LEAST = 27, 20, 13
QUIET, LINE = (110, 110, 110), (215, 215, 215)
HALF = 3 * (TILE + GAP) - GAP
WIDTH = MAPS * (2 * HALF + HALVES) + (MAPS - 1) * APART


class Row(NamedTuple):
    """One layer of the picture: its name, and lines of small type below it; uint8 pictures side by side.

    `headings` has a line of text above each half of each block, or empty; without blocks the first one is drawn in their place.
    """

    name: str
    about: list[str]
    blocks: list[np.ndarray]
    headings: list[tuple[str, str]]


def draw_features(search: ExampleSearch) -> Figure:
    """Draws the filters of the first convolution, and for each layer above three maps: nine projections beside nine patches.

    Zeiler & Fergus 2013, Fig. 2, with maps chosen to differ (`varied_maps`) instead of at random. The layers are those of
    `default_layers`; if there are more than five: the first, the last and three between. Upper layers choose first. A map whose nine
    activations come from one class is preferred, except in the lowest layer above the filters: edges and colours come from any class. The
    classes of the images must be known. Headings name the class that a map answers to most, with the AUC (`ClassAnswers`). The picture
    `features` has at most 1,300 x 1,000 pixels.

    Raises:
        ValueError: the model has no convolution, or weights or activations that are not numbers.
    """
    named = default_layers(search.deconvnet)
    layers = [named[place] for place in np.unique(np.linspace(0, len(named) - 1, min(ROWS, len(named))).round().astype(int))]
    strongest = search.strongest(layers)
    chosen = _choose(search, {layer: strongest[layer] for layer in layers[1:]})
    drawn = {layer: GalleryTiles(*_places(maps), TILE) for layer, maps in chosen.items() if maps}
    for each in search.project(strongest, {layer: (tiles.units, tiles.ranks) for layer, tiles in drawn.items()}):
        drawn[each.layer].add(each)
    first, numbers = _filters(search, strongest[layers[0]])
    rows = [first, *(_maps(search, layer, maps, drawn.get(layer), layer == next(iter(drawn), None)) for layer, maps in chosen.items())]
    above = {layer: _numbers(search, strongest[layer], maps, drawn.get(layer)) for layer, maps in chosen.items()}
    return Figure("feature_sheet", {"features": draw_rows(rows)}, {"pictures": ["features.png"], "filters": numbers, "layers": above})


def _choose(search: ExampleSearch, strongest: dict[str, Strongest]) -> dict[str, list[VariedMap]]:
    chosen: dict[str, list[VariedMap]] = {}
    shown: collections.Counter[int] = collections.Counter()
    labels, photographs = search.images.origins.labels, search.images.origins.photographs
    for layer in reversed(strongest):  # Upper layers respond to whole objects, and choose first.
        found, agreeing = strongest[layer], layer != next(iter(strongest))
        places = {int(unit): search.different(layer, int(unit)) for unit in np.flatnonzero(found.values[:, 0] > 0)}
        chosen[layer] = varied_maps(found, places, labels, photographs, MAPS, agreeing=agreeing, shown=shown)
        shown.update(each.label for each in chosen[layer])
    return {layer: chosen[layer] for layer in strongest}


def _places(maps: list[VariedMap]) -> tuple[np.ndarray, np.ndarray]:
    units, ranks = zip(*((each.unit, rank) for each in maps for rank in each.ranks), strict=True)
    return np.array(units), np.array(ranks)


def _filters(search: ExampleSearch, strongest: Strongest) -> tuple[Row, dict[str, Any]]:
    first = first_layer(search.deconvnet, default_convolutions(search.deconvnet)[0])
    dead = strongest.values[:, 0] <= 0
    drawn = np.argsort(dead, kind="stable")[:FILTERS]
    columns = -(-len(drawn) // -(-len(drawn) // FILTERS_A_ROW))
    grid = block(list(first.pictures[drawn]), columns, min(LARGEST_FILTER, (WIDTH + GAP) // columns - GAP))
    count = f"{len(dead)} filters" if len(drawn) == len(dead) else f"{len(drawn)} of {len(dead)} filters"
    never_positive = np.flatnonzero(dead).tolist()
    numbers = {"layer": first.name, "filters": len(dead), "drawn": drawn.tolist(), "dead": never_positive, "size": first.size}
    return Row(first.name, [count, f"of {_size(first.size)}"], [grid], [("", "")]), numbers


def _maps(search: ExampleSearch, layer: str, maps: list[VariedMap], tiles: GalleryTiles | None, is_first: bool) -> Row:
    if tiles is None or tiles.window is None:
        return Row(layer, [], [], [("no map is ever positive", "")])
    blocks = []
    for each in maps:
        projections, patches = tiles.pair(each.unit)
        for edges in (patches, patches.swapaxes(0, 1)):  # Around white patches, which would otherwise seem to be missing.
            edges[TILE :: TILE + GAP] = edges[0] = edges[-1] = LINE
        blocks.append(np.concatenate([projections, np.full((len(patches), HALVES, 3), BACKGROUND, np.uint8), patches], axis=1))
    answers, labels, font = search.answers(layer), search.images.labels, ImageFont.load_default(TEXT)
    words = ["" if is_first else answer_words(answers, each.unit, labels, 1) for each in maps]  # Beside them is no room.
    headings = [
        (cut_text(f"map {each.unit}{said}", font, 2 * HALF + HALVES), "image patches" if is_first else "")
        for each, said in zip(maps, words, strict=True)
    ]
    return Row(layer, _sees(search, layer, tiles.window), blocks, headings)


def _sees(search: ExampleSearch, layer: str, window: list[int]) -> list[str]:
    if tuple(window) != search.images.image_input[:2]:
        return [f"sees {_size(window)}"]
    return ["whole image," if search.field(layer) is None else "sees all", _size(window)]


def _numbers(search: ExampleSearch, strongest: Strongest, maps: list[VariedMap], tiles: GalleryTiles | None) -> dict[str, Any]:
    numbers, labels = gallery_numbers(strongest, tiles, search.images.origins.ids), search.images.labels
    entries = []
    for each in maps:
        classes = search.images.origins.labels[strongest.examples[each.unit, each.ranks]]
        shown = [{**tile, "class": labels[label]} for tile, label in zip(numbers["maps"][str(each.unit)], classes, strict=True)]
        entries.append({"map": each.unit, "class": labels[each.label], "votes": each.votes, "activations": shown})
    return numbers | {"maps": entries}


def _size(lengths: Sequence[int]) -> str:
    return f"{lengths[0]} px" if lengths[0] == lengths[1] else f"{lengths[0]} x {lengths[1]} px"


def draw_rows(rows: Sequence[Row]) -> np.ndarray:
    """Draws rows below each other, their names on the left: uint8 `(height, width, 3)`."""
    above = [HEADING * (any(map(any, row.headings)) and bool(row.blocks)) for row in rows]
    heights = [room + max([*map(len, row.blocks), _label_height(row)]) for room, row in zip(above, rows, strict=True)]
    picture = Image.new("RGB", (MARGIN + LABEL + WIDTH + MARGIN, 2 * MARGIN + sum(heights) + ROW_GAP * (len(rows) - 1)), BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(TEXT)
    top = MARGIN
    for row, room, height in zip(rows, above, heights, strict=True):
        body = top + room
        _draw_label(draw, row, (body + top + height - _label_height(row)) // 2)
        left = MARGIN + LABEL
        for number, halves in enumerate(row.headings):
            middle = top + HEADING / 2 - 1 if row.blocks else top + NAME / 2
            for half, heading in enumerate(halves):
                draw.text((left + half * (HALF + HALVES), middle), heading, QUIET, font, anchor="lm")
            if row.blocks:
                picture.paste(Image.fromarray(row.blocks[number]), (left, body))
                left += row.blocks[number].shape[1] + APART
        top += height + ROW_GAP
    return np.asarray(picture)


def _label_height(row: Row) -> int:
    return NAME + 4 + len(row.about) * (TEXT + 4)


def _draw_label(draw: ImageDraw.ImageDraw, row: Row, top: int) -> None:
    room = LABEL - TEXT
    size = next((size for size in range(NAME, LEAST, -1) if ImageFont.load_default(size).getlength(row.name) <= room), LEAST)
    font = ImageFont.load_default(size)
    draw.text((MARGIN, top + NAME / 2), cut_text(row.name, font, room), INK, font, anchor="lm")
    small = ImageFont.load_default(TEXT)
    for number, line in enumerate(row.about):
        draw.text((MARGIN, top + NAME + 4 + (number + 0.5) * (TEXT + 4)), line, QUIET, small, anchor="lm")
