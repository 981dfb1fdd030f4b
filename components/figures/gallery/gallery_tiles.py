"""Tiles of a gallery: projections of some activations of one layer, beside patches of the images."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.components.pictures.projected_activation import ProjectedActivation
from zfnet.components.pictures.projection_checks import check_bars
from zfnet.components.pictures.sheet import GAP, block, resize_tile, sheet
from zfnet.model.deconvnet.strongest import Strongest

# Side of a tile, in pixels: at least the first, so that small windows can be seen, and at most the second. Between them a window is
# drawn pixel by pixel: scaling would blur a projection.
TILES = 96, 144
BLOCKS_A_ROW = 3  # Of the smallest tiles.


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

    def height(self, units: Iterable[int]) -> int:
        """Height of the highest of some units, in pixels: one has fewer rows than others if it has fewer than nine activations."""
        return max(self.pair(unit)[0].shape[0] for unit in units)

    def sheet(self, headings: Mapping[int, str], columns: int | None = None, height: int | None = None) -> np.ndarray:
        """Draws nine projections beside nine patches for each unit, under its heading: uint8 `(height, width, 3)`.

        Args:
            headings: by the numbers of the units.
            columns: units a row; None chooses a number that makes the sheet about square.
            height: of each unit, at least that of `self.height`; None takes it. Two sheets with one height have their units in line.
        """
        height = height or self.height(headings)
        blocks = [_side_by_side(*self.pair(unit), height) for unit in headings]
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
        activations, with `corner`, the window's place in the image, and `scale`, the absolute value that is black or white. A
        gallery that is checked also has `check` for each activation, as `part_checks` has it; `hidden`, the value of hidden pixels in
        words; and `alike`, as `layer_numbers` has it, means over the strongest activations of the units.
    """
    dead = np.flatnonzero(strongest.values[:, 0] <= 0).tolist()
    return {"dead_maps": dead, "window": drawn.window if drawn else None, "maps": drawn.numbers(ids) if drawn else {}}
