"""The gallery: what the units of some layers answer to most, as projections and as patches."""

import json
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.figures.example_search import ExampleSearch, Progress
from zfnet.components.pictures.image_input import ImageInput
from zfnet.components.pictures.projected_pictures import projected_pictures
from zfnet.components.pictures.sheet import GAP, block, resize_tile, sheet
from zfnet.components.pictures.unit_name import unit_name
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest

# Side of a tile, in pixels: at least the first, so that small windows can be seen, and at most the second. Between them a window is
# drawn pixel by pixel, since what comes down is finer than any scaling keeps.
TILES = 96, 144
BLOCKS_A_ROW = 3  # Of the smallest tiles.


def draw_galleries(
    deconvnet: Deconvnet,
    examples: Examples,
    layers: Sequence[str],
    folder: pathlib.Path,
    *,
    maps: int,
    seed: int,
    labels: Sequence[str] = (),
    progress: Progress = lambda batches, length, title: batches,
) -> dict[str, np.ndarray]:
    """Draws, for each layer, the nine strongest activations of a random subset of its units, at nine different places.

    Zeiler & Fergus 2013, Fig. 2: over the validation examples, each activation projected to pixels beside its patch of the photograph.
    A projection has a scale of its own (`signed_scale`); a window that leaves the image is padded with grey; where units see the
    whole image, it is shown.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        examples: prepared examples, made for the model's larger side; the split `validation` is searched.
        layers: names of layers with feature maps, or of dense ones.
        folder: gets `gallery_<layer>.png`, and `gallery.json` with the numbers of everything that is drawn.
        maps: units a layer; those that are never positive are left out.
        seed: decides which.
        labels: names of the model's classes, for the headings.
        progress: shows how far it has come.

    Returns:
        For each layer the picture, a uint8 array `(height, width, 3)`; none for a layer that is never positive.
    """
    search = ExampleSearch(deconvnet, examples, progress)
    strongest = search.strongest(layers)
    chosen = {}
    for layer, found in strongest.items():
        shown = [(unit, rank) for unit in _living(found, maps, seed) for rank in search.different(found, unit)]
        if shown:
            chosen[layer] = tuple(np.array(shown).T)
    drawn = {layer: _Drawn(*places) for layer, places in chosen.items()}
    for part in search.project(strongest, chosen):
        drawn[part.layer].add(part, search.image_input)
    pictures = {layer: tiles.sheet(lambda unit, layer=layer: unit_name(deconvnet, layer, unit, labels)) for layer, tiles in drawn.items()}
    for layer, picture in pictures.items():
        Image.fromarray(picture).save(folder / picture_name(layer))
    numbers = {layer: _numbers(found, drawn.get(layer), search.ids) for layer, found in strongest.items()}
    (folder / "gallery.json").write_text(json.dumps(numbers, indent=1))
    return pictures


def picture_name(layer: str) -> str:
    """Name of the file that the gallery of a layer is written to."""
    # Names of layers may have a slash, names of files not; and no two layers share a file.
    return f"gallery_{layer.replace('%', '%25').replace('/', '%2F')}.png"


class _Drawn:
    """Tiles of one layer, and the numbers behind them, gathered as the projections come; in the order of `units` and `ranks`."""

    def __init__(self, units: np.ndarray, ranks: np.ndarray):
        self.units, self.ranks = units, ranks
        self.projections, self.patches = ([None] * len(units) for _ in range(2))
        self.corners, self.scales, self.window = np.zeros((len(units), 2), int), np.zeros(len(units)), None
        self._places = {pair: place for place, pair in enumerate(zip(units.tolist(), ranks.tolist(), strict=True))}

    def add(self, part, image_input: ImageInput) -> None:
        pictures = projected_pictures(part, image_input)
        self.window = list(pictures.patches.shape[1:3])
        self.tile = int(np.clip(max(self.window), *TILES))
        for row, pair in enumerate(zip(part.units.tolist(), part.ranks.tolist(), strict=True)):
            place = self._places[pair]
            # As they are drawn: whole images of every unit of a large layer would not fit into memory.
            self.projections[place] = resize_tile(pictures.projections[row], self.tile)
            self.patches[place] = resize_tile(pictures.patches[row], self.tile)
            self.corners[place], self.scales[place] = part.corners[row], pictures.scales[row]

    def sheet(self, heading: Callable[[int], str]) -> np.ndarray:
        blocks, headings = [], []
        for unit in np.unique(self.units):
            places = np.flatnonzero(self.units == unit)
            halves = (block([part[place] for place in places], 3, self.tile) for part in (self.projections, self.patches))
            blocks.append(_side_by_side(*halves, 3 * (self.tile + GAP) - GAP))
            headings.append(heading(int(unit)))
        # A pair of blocks is about twice as wide as high: a sheet of many of them comes out about square.
        least = BLOCKS_A_ROW * TILES[0] // self.tile
        return sheet(blocks, headings, max(least, round(np.sqrt(len(blocks) / 2))))


def _living(strongest: Strongest, count: int, seed: int) -> list[int]:
    order = np.random.default_rng(seed).permutation(len(strongest.values))
    return sorted([int(unit) for unit in order if strongest.values[unit, 0] > 0][:count])


def _numbers(strongest: Strongest, drawn: _Drawn | None, ids: list[str]) -> dict:
    """`window`: height and width of what is shown; `corner`: where it lies in the image; `scale`: what is black or white."""
    maps = {}
    for place, (unit, rank) in enumerate(zip(drawn.units, drawn.ranks, strict=True) if drawn else ()):
        maps.setdefault(str(unit), []).append(
            {
                "example": ids[strongest.examples[unit, rank]],
                "activation": float(strongest.values[unit, rank]),
                "position": strongest.positions[unit, rank].tolist(),
                "corner": drawn.corners[place].tolist(),
                "scale": float(drawn.scales[place]),
            }
        )
    dead = [int(unit) for unit in np.flatnonzero(strongest.values[:, 0] <= 0)]
    return {"dead_maps": dead, "window": drawn.window if drawn else None, "maps": maps}


def _side_by_side(left: np.ndarray, right: np.ndarray, height: int) -> np.ndarray:
    parts = [np.pad(part, ((0, height - part.shape[0]), (0, 0), (0, 0)), constant_values=255) for part in (left, right)]
    return np.concatenate([parts[0], np.full((height, 2 * GAP, 3), 255, np.uint8), parts[1]], axis=1)
