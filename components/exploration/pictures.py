"""The pictures of the page: whole images, every unit's nine projections and patches, earlier moments, and single photographs."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from zfnet.components.exploration.explored_layer import THUMB, ExploredLayer
from zfnet.components.exploration.growth import likeness, map_growth
from zfnet.components.exploration.page import Page
from zfnet.components.exploration.places import Here
from zfnet.components.exploration.sheets import PHOTOGRAPH, PROJECTION, encode, fit, fitted_size, lay_out, tiles_a_sheet
from zfnet.components.figures.gallery.example_search import SHOWN, ExampleSearch
from zfnet.components.figures.images import mean_grey
from zfnet.components.training.kept_filters import KeptFilters

MEMORY = 256 << 20  # Bytes of tiles that wait until their sheet is complete.
COLUMNS = 8  # Of sheets of whole images, and of the projections in one photograph.


def add_images(page: Page, search: ExampleSearch, numbers: Sequence[int], most: int) -> None:
    """Adds whole images, shrunk to `most` pixels a side, in this order: `image-<sheet>`."""
    size = fitted_size(*search.images.image_input[:2], most)
    together = tiles_a_sheet(size, COLUMNS)
    step = together * max(1, MEMORY // (3 * size[0] * size[1] * together))
    for start in range(0, len(numbers), step):
        rows = {number: row for row, number in enumerate(numbers[start : start + step])}
        tiles = np.zeros((len(rows), *size, 3), np.uint8)
        for images, found in search.images.batches("Reading images", set(rows)):
            pictures = np.clip(np.rint(search.images.image_input.pictures(images)), 0, 255).astype(np.uint8)
            for number, picture in zip(found.tolist(), pictures, strict=True):
                tiles[rows[number]] = fit(picture, most)
        _add_sheets(page, "image", tiles, COLUMNS, start // together, PHOTOGRAPH)


def _add_sheets(page: Page, name: str, tiles: np.ndarray, columns: int, first: int = 0, quality: int = PROJECTION) -> None:
    for number, sheet in enumerate(lay_out(tiles, columns), start=first):
        page.add_picture(f"{name}-{number}", functools.partial(encode, sheet, quality, max(tiles.shape[1:3])))


class DrawnUnits(NamedTuple):
    """Units of one layer, as they were drawn.

    Attributes:
        corners: int `(units, 9, 2)`, of their windows in the images.
        projections: uint8 `(units, h, w, 3)`, thumbnails of their first projections.
        falls: float `(units, 2)`, the share by which the strongest activation falls without the tenth of pixels that its projection marks,
            and without as many others of its receptive field (`PixelCheck`); NaN where it is not known.
    """

    corners: np.ndarray
    projections: np.ndarray
    falls: np.ndarray


def add_examples(page: Page, search: ExampleSearch, layers: Sequence[ExploredLayer]) -> dict[str, DrawnUnits]:
    """Adds the projections of every unit's strongest activations, `nine-<layer>-<sheet>`, and their patches, `patch-<layer>-<sheet>`.

    Thumbnails of the first of them are `projection-<layer>-<sheet>` and `photograph-<layer>-<sheet>`.
    """
    strongest = search.strongest([each.name for each in layers])
    corners = {each.name: np.zeros((each.units, SHOWN, 2), int) for each in layers}
    falls = {each.name: np.full((each.units, 2), np.nan) for each in layers}
    fill = mean_grey(search.deconvnet, search.images.image_input, search.images).values
    thumbs = {each.name: np.full((2, each.units, *each.thumb, 3), 128, np.uint8) for each in layers}
    for blocks in _passes(layers):
        tiles = {each.name: np.full((2, len(units) * SHOWN, *each.tile, 3), 128, np.uint8) for each, units in blocks}
        ranks = {(each.name, unit): found for each, units in blocks for unit in units if (found := each.chosen.get(unit))}
        chosen: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for each, units in blocks:
            places = np.array([(unit, rank) for unit in units for rank in each.chosen.get(unit, ())], int).reshape(-1, 2)
            chosen |= {each.name: (places[:, 0], places[:, 1])} if len(places) else {}
        first = {each.name: units.start for each, units in blocks}
        for found in search.project(strongest, chosen, fill, quick=True):
            place = ranks[found.layer, found.unit].index(found.rank)
            corners[found.layer][found.unit, place] = found.corner
            if found.check:
                falls[found.layer][found.unit] = [found.check[name] for name in ("fall", "fall_elsewhere")]
            most = max(tiles[found.layer].shape[2:4])
            for kind, picture in enumerate((found.projection, found.patch)):
                picture = in_colours(picture)
                tiles[found.layer][kind, (found.unit - first[found.layer]) * SHOWN + place] = fit(picture, most)
                if place == 0:
                    thumbs[found.layer][kind, found.unit] = fit(picture, THUMB)
        for each, units in blocks:
            sheet = units.start * SHOWN // tiles_a_sheet(each.tile, SHOWN)
            _add_sheets(page, f"nine-{each.number}", tiles[each.name][0], SHOWN, sheet)
            if each.has_patches:
                _add_sheets(page, f"patch-{each.number}", tiles[each.name][1], SHOWN, sheet, PHOTOGRAPH)
    for each in layers:
        projections, patches = thumbs[each.name]
        _add_sheets(page, f"projection-{each.number}", projections, overview_columns(each.units))
        _add_sheets(page, f"photograph-{each.number}", patches, overview_columns(each.units), quality=PHOTOGRAPH)
    return {each.name: DrawnUnits(corners[each.name], thumbs[each.name][0], falls[each.name]) for each in layers}


def overview_columns(units: int) -> int:
    """Columns of a sheet of one thumbnail for each unit."""
    return int(np.ceil(np.sqrt(units)))


def _passes(layers: Sequence[ExploredLayer]) -> Iterator[list[tuple[ExploredLayer, range]]]:
    """Units whose tiles are together in memory, for one pass over the images each; a layer is divided where a sheet ends."""
    waiting: list[tuple[ExploredLayer, range]] = []
    used = 0
    for each in layers:
        of_unit = 2 * SHOWN * 3 * each.tile[0] * each.tile[1]
        together = tiles_a_sheet(each.tile, SHOWN) // SHOWN
        step = together * max(1, MEMORY // (of_unit * together))
        for start in range(0, each.units, step):
            units = range(start, min(start + step, each.units))
            if (waiting and used + of_unit * len(units) > MEMORY) or any(each is other for other, _ in waiting):
                yield waiting
                waiting, used = [], 0
            waiting.append((each, units))
            used += of_unit * len(units)
    yield waiting


class GrowthCurves(NamedTuple):
    """Units of one layer at each moment, at the place of their strongest activation in the end: float `(units, moments)` both.

    `alike` is the likeness of the projection to that in the end, see `likeness`.
    """

    activations: np.ndarray
    alike: np.ndarray


def add_growth(
    page: Page, search: ExampleSearch, layers: Sequence[ExploredLayer], drawn: Mapping[str, DrawnUnits], kept: KeptFilters
) -> dict[str, GrowthCurves]:
    """Adds thumbnails of every unit at earlier moments, `moment-<moment>-<layer>-<sheet>`, of the layers whose filters were kept."""
    growing = [each for each in layers if each.chosen and kept.holds(each.name)]
    chosen = {each.name: (np.array(list(each.chosen)), np.array([ranks[0] for ranks in each.chosen.values()])) for each in growing}
    curves = {each.name: GrowthCurves(*np.zeros((2, each.units, len(kept.titles)))) for each in growing}
    strongest = search.strongest(list(chosen))
    for each in growing:
        # The last moment is the model itself, whose projections are there.
        curves[each.name].activations[chosen[each.name][0], -1] = strongest[each.name].values[chosen[each.name]]
        curves[each.name].alike[chosen[each.name][0], -1] = 1
    earlier = functools.partial(kept.moments, only_earlier=True)
    for moment, grown in enumerate(map_growth(search, chosen, earlier) if growing else ()):
        for each in growing:
            units, found = chosen[each.name][0], grown[each.name]
            thumbs = np.full((each.units, *each.thumb, 3), 128, np.uint8)
            thumbs[units] = [fit(in_colours(picture), THUMB) for picture in found.projections]
            curves[each.name].activations[units, moment] = found.activations
            curves[each.name].alike[units, moment] = likeness(thumbs[units], drawn[each.name].projections[units])
            _add_sheets(page, f"moment-{moment}-{each.number}", thumbs, overview_columns(each.units))
    return curves


def in_colours(picture: np.ndarray) -> np.ndarray:
    """A picture of three channels or one, uint8 `(height, width, C)`, with three."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


class PhotographTiles(NamedTuple):
    """Projections of one layer in one photograph, on the sheet `here-<photograph>-<layer>-0`, in order: units and corners of windows."""

    units: list[int]
    corners: list[list[int]]


def add_photographs(
    page: Page, search: ExampleSearch, layers: Sequence[ExploredLayer], photographs: Sequence[int], here: Mapping[str, Here]
) -> list[dict[int, PhotographTiles]]:
    """Adds the projections of some activations in each of the photographs; returns for each, by the layer's number, what was drawn."""
    rows, by_name = {number: row for row, number in enumerate(photographs)}, {each.name: each for each in layers}
    drawn: list[dict[int, PhotographTiles]] = [{} for _ in photographs]
    found: dict[tuple[int, int], dict[int, tuple[np.ndarray, tuple[int, ...]]]] = {}
    strongest = {layer: each.strongest for layer, each in here.items()}
    for each in search.project(strongest, {layer: (found.units, found.ranks) for layer, found in here.items() if len(found.units)}):
        layer = by_name[each.layer]
        place = rows[each.example], layer.number
        found.setdefault(place, {})[each.unit] = fit(in_colours(each.projection), max(layer.tile)), each.corner
    for (row, number), tiles in sorted(found.items()):
        units = sorted(tiles)
        _add_sheets(page, f"here-{row}-{number}", np.stack([tiles[unit][0] for unit in units]), COLUMNS)
        drawn[row][number] = PhotographTiles(units, [list(tiles[unit][1]) for unit in units])
    return drawn
