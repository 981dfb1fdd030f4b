"""The evolution of features: a row a feature map, a column a moment of the training."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zfnet.components.figures.evolution.column import Columns, EvolutionColumn, SamePlaces, different_maps
from zfnet.components.pictures.figure import Figure, picture_name
from zfnet.components.pictures.sheet import BACKGROUND, GAP, HEADING, INK, resize_tile

# Sides of a projection, in pixels: of up to six moments, and of more. A patch below it has half of that.
TILES, FEW = (112, 84), 6
MARGIN = 72  # For the numbers of the maps, in pixels.
BETWEEN = 3 * GAP  # Columns, and rows.
APART = 40  # The two halves.
FAINT = (150, 150, 150)
HALVES = "(a) where the map is strongest at that moment, with the patch", "(b) where it is strongest in the end: one patch at every moment"


def drawn_columns(
    columns: Columns, photographs: Sequence[str], count: int, whole: Collection[str] = ()
) -> dict[str, dict[str, EvolutionColumn]]:
    """Chooses the maps to draw among those that all moments have: alive and different in the end, see `different_maps`.

    Args:
        columns: for each moment, in order, and by its title, the columns by layer.
        photographs: the photograph of each example.
        count: maps of a layer.
        whole: layers of which all maps are drawn.
    """
    chosen = {}
    for layer, end in (list(columns.values())[-1] if columns else {}).items():
        common = [number for number in end.maps if all(number in moment[layer].maps for moment in columns.values())]
        chosen[layer] = np.array(common) if layer in whole else different_maps(end.of(common), photographs, count)
    return {title: {layer: moment[layer].of(maps) for layer, maps in chosen.items()} for title, moment in columns.items()}


def draw_evolution(columns: Columns, same: Mapping[str, Mapping[str, SamePlaces]], ids: Sequence[str]) -> Figure:
    """Draws, for each layer, the features of some maps at several moments of the training, twice.

    On the left as Zeiler & Fergus 2013, Fig. 4: the strongest activation of each moment, projected, and below it its patch. The picture
    jumps where another image became the strongest: "sudden jumps in appearance result from a change in the image from which the strongest
    activation originates" (section 4.1). On the right the image stays: the place that the last moment chose, at every moment. Each
    projection has a scale of its own; the number below it is the activation.

    Args:
        columns: for each moment, in order, and by its title, the columns by layer; those of one layer have the same maps.
        same: the same maps at the places of the last moment, by title and layer; a moment that is missing is left blank.
        ids: ids of the examples that were searched, in order.

    Returns:
        Pictures `evolution_<layer>`: a row a map, and in each half a column a moment. The numbers have the titles as `columns`, and as
        `layers` the `window` (height and width in pixels) and for each map its activation at every moment, and at the `last_place`.
    """
    last = list(columns.values())[-1] if columns else {}
    pictures = {
        picture_name("evolution", layer): _drawn(
            {title: moment[layer] for title, moment in columns.items()}, {title: each[layer] for title, each in same.items()}
        )
        for layer in last
    }
    layers = {
        layer: {
            "window": list(end.patches.shape[1:3]),
            "maps": {
                str(number): [
                    _entry(moment[layer], row, title, ids) | _last_place(same.get(title, {}).get(layer), row)
                    for title, moment in columns.items()
                ]
                for row, number in enumerate(end.maps.tolist())
            },
        }
        for layer, end in last.items()
    }
    return Figure("evolution", pictures, {"pictures": [f"{name}.png" for name in pictures], "columns": list(columns), "layers": layers})


def _drawn(columns: Mapping[str, EvolutionColumn], same: Mapping[str, SamePlaces]) -> np.ndarray:
    end = list(columns.values())[-1]
    tile = TILES[len(columns) > FEW]
    step, row_step = tile + BETWEEN, tile + GAP + tile // 2 + 2 * BETWEEN
    top, right = 2 * GAP + 2 * HEADING, MARGIN + len(columns) * step - BETWEEN + APART
    size = right + (len(columns) + 1) * step, top + len(end.maps) * row_step
    picture = Image.new("RGB", size, BACKGROUND)
    draw, font, small = ImageDraw.Draw(picture), ImageFont.load_default(HEADING * 0.7), ImageFont.load_default(HEADING * 0.6)

    def paste(image: np.ndarray, side: int, left: int, upper: int) -> None:
        picture.paste(Image.fromarray(resize_tile(image, side)), (left, upper))

    def say(activation: float, left: int, upper: int) -> None:
        draw.text((left, upper), f"{activation:.3g}" if activation > 0 else "no answer", INK if activation > 0 else FAINT, small)

    for left, words in zip((MARGIN, right), HALVES, strict=True):
        draw.text((left, GAP), words, INK, font)
        for number, title in enumerate(columns):
            draw.text((left + number * step, GAP + HEADING), title, INK, font)
    draw.text((right + len(columns) * step, GAP + HEADING), "patch", INK, font)
    for row, name in enumerate(end.maps):
        upper = top + row * row_step
        below = upper + tile + GAP
        draw.text((MARGIN - BETWEEN, upper + tile / 2), f"{'map' if end.positions.shape[1] else 'unit'} {name}", INK, font, anchor="rm")
        for number, (title, moment) in enumerate(columns.items()):
            left = MARGIN + number * step
            paste(moment.projections[row], tile, left, upper)
            paste(moment.patches[row], tile // 2, left, below)
            say(float(moment.activations[row]), left + tile // 2 + 2 * GAP, below)
            if title in same:
                left = right + number * step
                paste(same[title].projections[row], tile, left, upper)
                say(float(same[title].activations[row]), left, below)
        paste(end.patches[row], tile, right + len(columns) * step, upper)
    return np.asarray(picture)


def _entry(column: EvolutionColumn, row: int, title: str, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "column": title,
        "activation": float(column.activations[row]),
        "example": ids[column.examples[row]],
        "position": column.positions[row].tolist(),
        "corner": column.corners[row].tolist(),
        "scale": float(column.scales[row]),
    }


def _last_place(same: SamePlaces | None, row: int) -> dict[str, Any]:
    return {} if same is None else {"last_place": {"activation": float(same.activations[row]), "scale": float(same.scales[row])}}
