"""The evolution of features: a row a feature map, a column a moment of the training."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zfnet.components.figures.evolution_column import EvolutionColumn
from zfnet.components.figures.picture_name import picture_name
from zfnet.components.pictures.sheet import GAP, HEADING, INK, block, sheet

TILE = 144
MARGIN = 64  # For the numbers of the maps, in pixels.


def draw_evolution(columns: Mapping[str, Mapping[str, EvolutionColumn]]) -> dict[str, np.ndarray]:
    """Draws, for each layer, the strongest activations of some of its maps at some moments.

    Zeiler & Fergus 2013, Fig. 4. Each projection has a scale of its own; the patch of the photograph is that of the last moment.

    Args:
        columns: for each moment, in order, and by its title, the columns by layer; those of one layer are of the same maps.

    Returns:
        For each layer a uint8 picture: a row a map, a column a moment, and the patches of the last.
    """
    last_title, last = list(columns.items())[-1] if columns else ("", {})
    return {
        layer: _numbered(
            sheet(
                [block(list(part), 1, TILE) for part in (*(moment[layer].projections for moment in columns.values()), end.patches)],
                [*columns, f"patch, {last_title}"],
                len(columns) + 1,
            ),
            [f"{'map' if end.positions.shape[1] else 'unit'} {number}" for number in end.maps],
        )
        for layer, end in last.items()
    }


def _numbered(picture: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Adds a margin on the left, with the name of each row."""
    wider = Image.fromarray(np.pad(picture, ((0, 0), (MARGIN, 0), (0, 0)), constant_values=255))
    draw, font = ImageDraw.Draw(wider), ImageFont.load_default(HEADING * 0.7)
    for row, name in enumerate(names):
        middle = 6 * GAP + HEADING + row * (TILE + GAP) + TILE / 2
        draw.text((MARGIN + 3 * GAP, middle), name, INK, font, anchor="rm")
    return np.asarray(wider)


def evolution_numbers(columns: Mapping[str, Mapping[str, EvolutionColumn]], ids: Sequence[str]) -> dict[str, Any]:
    """The numbers behind the pictures, as JSON holds them.

    Where the example of a map is another than in the column before, the picture jumps: "sudden jumps in appearance result from a change in
    the image from which the strongest activation originates" (section 4.1).

    Args:
        columns: as for `draw_evolution`.
        ids: ids of the examples that were searched, in order.

    Returns:
        `pictures`: names of the files; `columns`: the titles; `layers`: for each the `window` (height and width of what is shown) and, of
        each map, what every column shows: `activation`, `example`, `position` in the map, `corner` of the window, `scale`.
    """
    last = list(columns.values())[-1] if columns else {}
    return {
        "pictures": [picture_name("evolution", layer) for layer in last],
        "columns": list(columns),
        "layers": {
            layer: {
                "window": list(end.patches.shape[1:3]),
                "maps": {
                    str(number): [_entry(moment[layer], row, title, ids) for title, moment in columns.items()]
                    for row, number in enumerate(end.maps.tolist())
                },
            }
            for layer, end in last.items()
        },
    }


def _entry(column: EvolutionColumn, row: int, title: str, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "column": title,
        "activation": float(column.activations[row]),
        "example": ids[column.examples[row]],
        "position": column.positions[row].tolist(),
        "corner": column.corners[row].tolist(),
        "scale": float(column.scales[row]),
    }


def write_evolution(pictures: Mapping[str, np.ndarray], numbers: Mapping[str, Any], folder: pathlib.Path) -> None:
    """Writes `evolution_<layer>.png` for each layer, and `evolution.json`."""
    for layer, picture in pictures.items():
        Image.fromarray(picture).save(folder / picture_name("evolution", layer))
    (folder / "evolution.json").write_text(json.dumps(numbers, indent=1))
