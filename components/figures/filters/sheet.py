"""The filters of first layers and the features of second layers, of several models side by side."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zfnet.components.figures.filters.report import FilterReport
from zfnet.components.figures.filters.verdicts import MOSTLY_ALIASED, stride_text
from zfnet.components.pictures.sheet import BACKGROUND, GAP, HEADING, INK, block, sheet

# Side by side; further models go below.
COLUMNS = 2
# Of one model, in pixels.
WIDTH = 670
LARGEST_TILE = 96
FRAME = 3
# Side of the mark of noise, of the tile's.
MARK = 0.16
DEAD, ALIASED = (200, 30, 30), (240, 150, 0)


def filter_sheet(reports: Sequence[FilterReport], names: Sequence[str]) -> np.ndarray:
    """Draws the first layer of each model above its second one, under their `names`: uint8 `(height, width, 3)`.

    Zeiler & Fergus 2013, Fig. 6(b) to (e). Filters with structure come first, then those of one colour, then noise, marked by a black
    square in the corner; within each kind, the least aliased first. Mostly aliased filters are framed in orange; dead ones, at the end, in
    red. One model has its layers side by side.
    """
    first, second = ([draw(*each) for each in zip(reports, names, strict=True)] for draw in (_first, _second))
    rows = [first + second] if len(reports) == 1 else []
    for start in range(0, len(reports), COLUMNS) if not rows else ():
        rows += [part[start : start + COLUMNS] for part in (first, second)]
    return np.concatenate([_row(row) for row in rows])


def _row(parts: list[tuple[np.ndarray, str]]) -> np.ndarray:
    height = max(picture.shape[0] for picture, _ in parts)
    blocks = [_on_white(picture, height) for picture, _ in parts] + [np.full((height, WIDTH, 3), 255, np.uint8)] * (COLUMNS - len(parts))
    return sheet(blocks, [heading for _, heading in parts] + [""] * (COLUMNS - len(parts)), COLUMNS)


def _on_white(picture: np.ndarray, height: int) -> np.ndarray:
    return np.pad(picture, ((0, height - picture.shape[0]), (0, WIDTH - picture.shape[1]), (0, 0)), constant_values=255)


def _first(report: FilterReport, name: str) -> tuple[np.ndarray, str]:
    first, dead = report.first, report.dead
    mostly = first.aliased > MOSTLY_ALIASED
    columns, side = _columns(len(mostly), 3)
    tiles = []
    for number in report.order():
        # Pixel by pixel: each is a weight.
        scale = side / max(first.pictures.shape[1:3])
        size = [max(1, round(length * scale)) for length in first.pictures.shape[2:0:-1]]
        tile = np.asarray(Image.fromarray(first.pictures[number]).resize(size, Image.Resampling.NEAREST))
        tile = _marked(tile) if first.structure.noisy[number] else tile
        colour = DEAD if dead is not None and dead[number] else ALIASED if mostly[number] else None
        tiles.append(tile if colour is None else _framed(tile, colour))
    what = f"{len(mostly)} filters of {' x '.join(map(str, first.size))}, stride {stride_text(first.strides)}"
    if first.channels not in (1, 3):
        what += f"; strength over {first.channels} channels"
    return _captioned(block(tiles, columns, side), _caption(report, mostly)), f"{name}, {first.name}: {what}"


def _caption(report: FilterReport, mostly: np.ndarray) -> str:
    structure, dead = report.first.structure, report.dead
    kinds = [
        ("with structure", structure.structured),
        ("of one colour", structure.plain),
        ("of noise (black square)", structure.noisy),
    ]
    sorts = ", ".join(f"{each.sum()} {kind}" for kind, each in kinds) if structure.judged else "least aliased first"
    return f"{sorts}; orange: {mostly.sum()} mostly aliased" + ("" if dead is None else f"; red: {dead.sum()} dead")


def _second(report: FilterReport, name: str) -> tuple[np.ndarray, str]:
    second = report.second
    if second is None:
        return np.full((1, WIDTH, 3), 255, np.uint8), f"{name}, layer 2 is not drawn: {report.no_second}"
    columns, side = _columns(len(second.maps), 8 / 3)
    size = " x ".join(map(str, second.maps[0].patch.shape[:2]))
    which = f"strongest activation of {len(second.maps)} of {second.total} maps, projected to {size} px"
    return block([each.projection for each in second.maps], columns, side), f"{name}, {second.name}: {which}"


def _columns(count: int, ratio: float) -> tuple[int, int]:
    columns = max(1, round(np.sqrt(count * ratio)))
    return columns, min(LARGEST_TILE, (WIDTH + GAP) // columns - GAP)


def _captioned(picture: np.ndarray, text: str) -> np.ndarray:
    strip = Image.new("RGB", (WIDTH, HEADING + GAP), BACKGROUND)
    ImageDraw.Draw(strip).text((0, GAP), text, INK, ImageFont.load_default(HEADING * 0.7))
    return np.concatenate([_on_white(picture, picture.shape[0]), np.asarray(strip)])


def _marked(tile: np.ndarray) -> np.ndarray:
    """Adds a black square in a corner, with a white line around it, visible on any filter."""
    marked, side = tile.copy(), max(3, round(MARK * max(tile.shape[:2])))
    marked[-FRAME - side - 1 :, -FRAME - side - 1 :] = 255
    marked[-FRAME - side : -FRAME, -FRAME - side : -FRAME] = 0
    return marked


def _framed(tile: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    framed = np.full_like(tile, colour)
    framed[FRAME:-FRAME, FRAME:-FRAME] = tile[FRAME:-FRAME, FRAME:-FRAME]
    return framed
