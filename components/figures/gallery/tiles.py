"""Tiles of the gallery of one layer, and the numbers behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.project_images import projected_pictures
from zfnet.components.pictures.sheet import GAP, block, resize_tile, sheet
from zfnet.model.deconvnet.strongest import ProjectedStrongest, Strongest

# Side of a tile, in pixels: at least the first, so that small windows can be seen, and at most the second. Between them a window is
# drawn pixel by pixel: scaling would blur a projection.
TILES = 96, 144
BLOCKS_A_ROW = 3  # Of the smallest tiles.


class GalleryTiles:
    """Projections and patches of one layer, in the order of `units` and `ranks`.

    Args:
        units: `(M,)` ints, units of the layer.
        ranks: `(M,)` ints, which of the unit's strongest activations.
        tile: side of a tile, in pixels; None chooses one of `TILES` that fits the window.
    """

    def __init__(self, units: np.ndarray, ranks: np.ndarray, tile: int | None = None) -> None:
        self.units, self.ranks, self.tile = units, ranks, tile or TILES[0]
        self._is_fixed = tile is not None
        self.projections: dict[int, np.ndarray] = {}
        self.patches: dict[int, np.ndarray] = {}
        self.corners, self.scales = np.zeros((len(units), 2), int), np.zeros(len(units))
        self.window: list[int] | None = None
        self._places = {pair: place for place, pair in enumerate(zip(units.tolist(), ranks.tolist(), strict=True))}

    def add(self, part: ProjectedStrongest, image_input: ImageInput) -> None:
        """Takes some of the projections."""
        pictures = projected_pictures(part, image_input)
        window = list(pictures.patches.shape[1:3])
        self.window = window
        if not self._is_fixed:
            self.tile = int(np.clip(max(window), *TILES))
        for row, pair in enumerate(zip(part.units.tolist(), part.ranks.tolist(), strict=True)):
            place = self._places[pair]
            # As they are drawn: whole images of every unit of a large layer would not fit into memory.
            self.projections[place] = resize_tile(pictures.projections[row], self.tile)
            self.patches[place] = resize_tile(pictures.patches[row], self.tile)
            self.corners[place], self.scales[place] = part.corners[row], pictures.scales[row]

    def pair(self, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """The projections of a unit and its patches, each three a row: uint8 arrays `(height, width, 3)`."""
        places = np.flatnonzero(self.units == unit).tolist()
        projections, patches = (block([part[place] for place in places], 3, self.tile) for part in (self.projections, self.patches))
        return projections, patches

    def sheet(self, headings: Mapping[int, str], columns: int | None = None) -> np.ndarray:
        """Draws nine projections beside nine patches for each unit, `columns` units a row: uint8 `(height, width, 3)`."""
        blocks = [_side_by_side(*self.pair(unit), 3 * (self.tile + GAP) - GAP) for unit in headings]
        # A pair of blocks is about twice as wide as high.
        least = BLOCKS_A_ROW * TILES[0] // self.tile
        return sheet(blocks, list(headings.values()), columns or max(least, round(np.sqrt(len(blocks) / 2))))

    def numbers(self, strongest: Strongest, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The activations that are drawn of each unit, as JSON holds them; see `gallery_numbers`."""
        maps: dict[str, list[dict[str, Any]]] = {}
        for place, (unit, rank) in enumerate(zip(self.units, self.ranks, strict=True)):
            maps.setdefault(str(unit), []).append(
                {
                    "example": ids[strongest.examples[unit, rank]],
                    "activation": float(strongest.values[unit, rank]),
                    "position": strongest.positions[unit, rank].tolist(),
                    "corner": self.corners[place].tolist(),
                    "scale": float(self.scales[place]),
                }
            )
        return maps


def gallery_numbers(strongest: Strongest, drawn: GalleryTiles | None, ids: Sequence[str]) -> dict[str, Any]:
    """The numbers of one layer, as JSON holds them.

    Args:
        strongest: the strongest activations of every unit.
        drawn: those that are drawn; None for none.
        ids: ids of the examples.

    Returns:
        `dead_maps`: units that are never positive; `window`: height and width of a tile in pixels of the image; `maps`: for each unit its
        activations, with `corner`, the window's place in the image, and `scale`, the absolute value that is black or white.
    """
    dead = [int(unit) for unit in np.flatnonzero(strongest.values[:, 0] <= 0)]
    return {"dead_maps": dead, "window": drawn.window if drawn else None, "maps": drawn.numbers(strongest, ids) if drawn else {}}


def _side_by_side(left: np.ndarray, right: np.ndarray, height: int) -> np.ndarray:
    parts = [np.pad(part, ((0, height - part.shape[0]), (0, 0), (0, 0)), constant_values=255) for part in (left, right)]
    return np.concatenate([parts[0], np.full((height, 2 * GAP, 3), 255, np.uint8), parts[1]], axis=1)
