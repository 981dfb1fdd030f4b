"""The gallery: the nine strongest activations of some units, as projections and as patches; of one model or several."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import mean_grey
from zfnet.components.figures.layers import default_layers
from zfnet.components.figures.units import unit_name
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.project_images import ProjectedActivation
from zfnet.components.pictures.projection_checks import check_bars, checks_note, layer_numbers
from zfnet.components.pictures.sheet import GAP, block, resize_tile, sheet, side_by_side, with_note
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest

# Side of a tile, in pixels: at least the first, so that small windows can be seen, and at most the second. Between them a window is
# drawn pixel by pixel: scaling would blur a projection.
TILES = 96, 144
BLOCKS_A_ROW = 3  # Of the smallest tiles.


class GalleryModel(NamedTuple):
    """One of the models of a gallery.

    Attributes:
        search: over images that are the same for all models, each at the model's size.
        name: heading above its part of each picture.
        labels: names of its classes; empty if they are not known.
        named: units to draw, for some layers, instead of random ones.
        about: further entries of the numbers.
        checked: whether each projection is checked, and drawn with bars: see `PixelCheck` and `LayerCheck`.
    """

    search: ExampleSearch
    name: str = ""
    labels: Sequence[str] = ()
    named: Mapping[str, Sequence[int]] = {}
    about: Mapping[str, Any] = {}
    checked: bool = False


class GalleryTiles:
    """Projections and patches of some activations of one layer.

    Args:
        units, ranks: `(M,)` ints, units of the layer and places among the unit's strongest activations.
        tile: side of a tile, in pixels; None chooses one of `TILES` that fits the window.
    """

    def __init__(self, units: np.ndarray, ranks: np.ndarray, tile: int | None = None) -> None:
        self.units, self.ranks, self.tile = units, ranks, tile or TILES[0]
        self._is_fixed = tile is not None
        self.window: list[int] | None = None
        self._drawn: dict[tuple[int, int], ProjectedActivation] = {}

    def add(self, found: ProjectedActivation) -> None:
        """Takes one of the projections."""
        self.window = list(found.patch.shape[:2])
        if not self._is_fixed:
            self.tile = int(np.clip(max(self.window), *TILES))
        # Scaled at once: whole images of every unit of a large layer would not fit into memory.
        projection, patch = resize_tile(found.projection, self.tile), resize_tile(found.patch, self.tile)
        self._drawn[found.unit, found.rank] = found._replace(projection=projection, patch=patch)

    def _of_unit(self, unit: int) -> list[ProjectedActivation]:
        return [self._drawn[unit, rank] for rank in self.ranks[self.units == unit].tolist()]

    def pair(self, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """The projections of a unit and its patches, each three a row: uint8 arrays `(height, width, 3)`.

        Bars under a projection show its check; there is as much room under a patch.
        """
        found = self._of_unit(unit)
        bars = [check_bars(each.check, self.tile) for each in found if each.check]
        left = block([each.projection for each in found], 3, self.tile, bars)
        return left, block([each.patch for each in found], 3, self.tile, [np.full_like(bar, 255) for bar in bars])

    def sheet(self, headings: Mapping[int, str], columns: int | None = None) -> np.ndarray:
        """Draws nine projections beside nine patches for each unit, under its heading: uint8 `(height, width, 3)`.

        There are `columns` units a row; None chooses a number that makes the sheet about square.
        """
        pairs = [self.pair(unit) for unit in headings]
        # Three rows: a unit may have fewer than nine activations.
        height = max(3 * self.tile + 2 * GAP, *(left.shape[0] for left, _ in pairs))
        blocks = [_side_by_side(*pair, height) for pair in pairs]
        # A pair of blocks is about twice as wide as high.
        least = BLOCKS_A_ROW * TILES[0] // self.tile
        return sheet(blocks, list(headings.values()), columns or max(least, round(np.sqrt(len(blocks) / 2))))

    def numbers(self, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The activations of each unit, see `gallery_numbers`."""
        return {
            str(unit): [
                {
                    "example": ids[each.example],
                    **each.numbers("activation", "position", "corner", "scale", *(["check"] if each.check else [])),
                }
                for each in self._of_unit(unit)
            ]
            for unit in dict.fromkeys(self.units.tolist())
        }


def _side_by_side(left: np.ndarray, right: np.ndarray, height: int) -> np.ndarray:
    parts = [np.pad(part, ((0, height - part.shape[0]), (0, 0), (0, 0)), constant_values=255) for part in (left, right)]
    return np.concatenate([parts[0], np.full((height, 2 * GAP, 3), 255, np.uint8), parts[1]], axis=1)


def gallery_numbers(strongest: Strongest, drawn: GalleryTiles | None, ids: Sequence[str]) -> dict[str, Any]:
    """The numbers of one layer, as JSON holds them.

    Returns:
        `dead_maps`: units that are never positive; `window`: height and width of a tile in pixels of the image; `maps`: for each unit its
        activations, with `corner`, the window's place in the image, and `scale`, the absolute value that is black or white. Of a gallery
        that is checked also `check` for each activation, as `part_checks` has it; `hidden`, the value of hidden pixels in words; and
        `alike`, as `layer_numbers` has it, means over the strongest activations of the units.
    """
    dead = np.flatnonzero(strongest.values[:, 0] <= 0).tolist()
    return {"dead_maps": dead, "window": drawn.window if drawn else None, "maps": drawn.numbers(ids) if drawn else {}}


class LayerGallery(NamedTuple):
    """The gallery of one layer: tiles, None if no unit is ever positive; names of the units; numbers as in `gallery_numbers`."""

    tiles: GalleryTiles | None
    headings: Mapping[int, str]
    numbers: dict[str, Any]

    def picture(self, columns: int | None = None) -> np.ndarray | None:
        """The sheet, as in `GalleryTiles.sheet`."""
        if not self.tiles:
            return None
        drawn = self.tiles.sheet(self.headings, columns)
        return with_note(drawn, checks_note(self.numbers["alike"])) if "alike" in self.numbers else drawn


def layer_galleries(model: GalleryModel, layers: Sequence[str], *, maps: int, seed: int) -> dict[str, LayerGallery]:
    """Finds the nine strongest activations of some units, at nine different places, and projects them; see `draw_gallery`."""
    search = model.search
    strongest = search.strongest(layers)
    chosen = {}
    for layer, found in strongest.items():
        order = model.named.get(layer, np.random.default_rng(seed).permutation(len(found.values)).tolist())
        living = [unit for unit in order if found.values[unit, 0] > 0]
        units = living if layer in model.named else sorted(living[:maps])
        shown = [(unit, rank) for unit in units for rank in search.different(layer, unit)]
        if shown:
            chosen[layer] = tuple(np.array(shown).T)
    drawn = {layer: GalleryTiles(*places) for layer, places in chosen.items()}
    grey = mean_grey(search.deconvnet, search.images.image_input, search.images) if model.checked else None
    for each in search.project(strongest, chosen, grey.values if grey else None):
        drawn[each.layer].add(each)
    galleries = {}
    for layer, found in strongest.items():
        tiles = drawn.get(layer)
        units = np.unique(tiles.units).tolist() if tiles else []
        headings = {unit: unit_name(search.deconvnet, layer, unit, model.labels) for unit in units}
        numbers = gallery_numbers(found, tiles, search.images.origins.ids)
        if grey and tiles:
            # Ranks rise, so that the first of each unit is its strongest.
            first = np.unique(tiles.units, return_index=True)[1]
            check = search.check_layers(layer, found, tiles.units[first], tiles.ranks[first])
            numbers |= {"hidden": grey.source, "alike": layer_numbers(check)}
        galleries[layer] = LayerGallery(tiles, headings, numbers)
    return galleries


def draw_gallery(model: GalleryModel, layers: Sequence[str], *, maps: int, seed: int) -> Figure:
    """Draws the gallery of one model: a picture for each layer that is ever positive (Zeiler & Fergus 2013, Fig. 2).

    Each activation is projected to pixels, beside its patch of the image; a projection has a scale of its own (`signed_scale`). Windows
    that leave the image are moved into it (`project_strongest`), so that all tiles of a layer are full.

    Args:
        layers: names of layers, with feature maps or dense.
        maps, seed: number of units of each layer, which the seed draws at random from those that are ever positive.

    Returns:
        Pictures `gallery_<layer>`, and for each layer the numbers of `gallery_numbers`.

    Raises:
        ValueError: activations are not numbers.
    """
    found = layer_galleries(model, layers, maps=maps, seed=seed)
    pictures = {picture_name("gallery", layer): picture for layer, each in found.items() if (picture := each.picture()) is not None}
    return Figure("gallery", pictures, {layer: each.numbers for layer, each in found.items()})


def draw_compared_gallery(models: Sequence[GalleryModel], rows: Sequence[Sequence[str | None]], *, maps: int, seed: int) -> Figure:
    """Draws the galleries of two models or more beside each other: a picture for each row of layers.

    Zeiler & Fergus 2013, Fig. 2 and section 4.1, compare the features of ZFNet with those of AlexNet.

    Args:
        rows: for each picture the layer of each model, in the models' order; None for a model that has none there. No model has a layer
            twice, and no two rows have the same first layer.
        maps, seed: as in `draw_gallery`.

    Returns:
        Pictures `gallery_<layer>`, named after the first layer of the row; none for a row without positive units. The numbers
        name the `pictures`, the `rows`, and for each of `models` its `layers` as `draw_gallery` has them.
    """
    found = []
    for place, model in enumerate(models):
        layers = [layer for row in rows if (layer := row[place]) is not None]
        found.append(layer_galleries(model, layers, maps=maps, seed=seed))
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
