"""The figure of filters: the first two layers of one model or several side by side, with their measures below."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from PIL import Image, ImageDraw, ImageFont

from zfnet.components.figures.filters.numbers import filter_comparison, filter_numbers
from zfnet.components.figures.filters.report import FREQUENCIES, FilterReport
from zfnet.components.figures.filters.verdicts import DEAD_SHARE, MOSTLY_ALIASED, PILED_UP, stride_text
from zfnet.components.pictures.chart import chart_picture, new_chart, plain
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.sheet import BACKGROUND, GAP, HEADING, INK, block, sheet
from zfnet.model.measures.filters import white_noise

HEIGHT = 660
BINS = np.linspace(0, 1, 26)
MOST_NAMES = 20  # More can't be read below one panel.
MOST_LETTERS = 45  # More do not fit side by side.
GREY = "0.45"
COLUMNS = 2  # Models side by side; further ones go below.
WIDTH = 670  # Of one model, in pixels.
LARGEST_TILE = 96
FRAME = 3
MARK = 0.16  # Side of the mark of noise, as a share of the tile's.
DEAD, ALIASED = (200, 30, 30), (240, 150, 0)


def draw_filters(reports: Sequence[FilterReport]) -> Figure:
    """Draws the filters of models of different names (Zeiler & Fergus 2013, Fig. 6(b) to (e)), with the measures under them.

    The numbers of the picture `filters` hold every measure of each model by its name, the verdicts, and a comparison in sentences.
    """
    # The last part of a path: there is little room.
    names = [report.name.rstrip("/").rsplit("/", 1)[-1] for report in reports]
    if len(set(names)) < len(names):
        names = [report.name for report in reports]
    layers = filter_sheet(reports, names)
    numbers = {
        "pictures": ["filters.png"],
        "models": {report.name: filter_numbers(report) for report in reports},
        "comparison": filter_comparison(reports),
    }
    return Figure("filters", {"filters": np.concatenate([layers, filter_charts(reports, names, layers.shape[1])])}, numbers)


def filter_charts(reports: Sequence[FilterReport], names: Sequence[str], width: int) -> np.ndarray:
    """Draws the measures of all models into the same six panels: uint8 `(660, width, 3)`; `names` are those of the legend.

    Without images no model has measures of its layers: then the upper three panels are drawn alone, of half the height.
    """
    rows = 2 if any(report.layers for report in reports) else 1
    figure, axes = new_chart(rows, 3, width, HEIGHT * rows // 2)
    names = [plain(name) for name in names]
    colours = [f"C{number % 10}" for number in range(len(reports))]
    for report, name, colour in zip(reports, names, colours, strict=True):
        _draw_first(axes[0], report, name, colour)
    _label_first(axes[0], any(report.first.radius is not None for report in reports))
    if rows == 2:
        _draw_layers(axes[1], reports, names, colours)
    return chart_picture(figure)


def _draw_first(axes: np.ndarray, report: FilterReport, name: str, colour: str) -> None:
    first = report.first
    axes[0].plot(FREQUENCIES, first.beyond, color=colour, label=name)
    if first.strides[0] == first.strides[1]:
        limit = 0.5 / first.strides[0]
        axes[0].axvline(limit, color=colour, linestyle="--", linewidth=1)
        axes[0].plot([limit], [np.median(first.aliased)], "o", color=colour, clip_on=False)
    shares = np.histogram(first.aliased, BINS)[0] / len(first.aliased)
    axes[1].stairs(shares, BINS, color=colour, fill=True, alpha=0.35)
    axes[1].stairs(shares, BINS, color=colour, label=f"{name}, median {np.median(first.aliased):.2f}")
    axes[1].axvline(white_noise(first.strides), color=colour, linestyle=":", linewidth=1.2)
    places = (np.arange(len(first.rms)) + 0.5) / len(first.rms)
    axes[2].plot(places, np.sort(first.rms), ".-", color=colour, label=name)
    if first.radius is not None:
        axes[2].axhline(first.radius, color=colour, linestyle="--", linewidth=1)


def _label_first(axes: np.ndarray, has_clip: bool) -> None:
    below = "cycles a pixel; dashed: the stride's limit"
    _label(axes[0], "Layer 1: energy beyond a frequency, median filter", below, "share of the energy")
    _label(axes[1], "Layer 1: aliased part of each filter", "energy beyond the limit; dotted: white noise", "share of the filters")
    _label(axes[2], "Layer 1: RMS of each filter, sorted", "share of the filters" + "; dashed: the RMS clip" * has_clip, "weight units")
    axes[0].set(xlim=(0, 0.5), ylim=(0, 1))
    axes[1].set(xlim=(0, 1), ylim=(0, 1.4 * max(axes[1].get_ylim())))
    axes[2].set(xlim=(0, 1))
    axes[2].set_ylim(bottom=0)
    for panel, place in zip(axes, ("upper right", "upper right", "center left"), strict=True):
        panel.legend(loc=place, fontsize=9)


def _draw_layers(axes: np.ndarray, reports: Sequence[FilterReport], names: Sequence[str], colours: Sequence[str]) -> None:
    dead = [[maps.dead.mean() for maps in report.layers.values()] for report in reports]
    entropies = [[spread.entropy for spread in report.spreads.values()] for report in reports]
    tenths = [[spread.strongest_tenth for spread in report.spreads.values()] for report in reports]
    measures = (
        ("Dead maps: never positive", "share of the maps", dead),
        ("Spread: entropy of the maps' mean activations", "1: even", entropies),
        ("Spread: the strongest tenth of the maps", "share of all activation", tenths),
    )
    layers = [list(report.layers) for report in reports]
    highest = [max((max(heights, default=0) for heights in values), default=0) for _, _, values in measures]
    tops = max(0.1, 1.25 * highest[0]), 1.02, max(0.7, 1.1 * highest[2])
    limits = DEAD_SHARE, None, PILED_UP
    for panel, (title, unit, values), top, limit in zip(axes, measures, tops, limits, strict=True):
        bar = 0.8 / len(reports)
        for number, (name, heights, colour) in enumerate(zip(names, values, colours, strict=True)):
            panel.bar(np.arange(len(heights)) + (number + 0.5) * bar - 0.4, heights, bar, color=colour, label=name)
        if limit is not None:
            line = panel.axhline(limit, color=GREY, linestyle="--", linewidth=1)
            panel.legend([line], ["limit of the verdict"], loc="upper right", fontsize=9)
        _label(panel, title, _name_layers(panel, layers), unit)
        panel.set_ylim(0, top)


def _name_layers(panel: Axes, layers: list[list[str]]) -> str:
    """Names the bars and returns the label below all of them."""
    longest = max(layers, key=len)
    panel.grid(visible=False, axis="x")
    if any(names != longest for names in layers) or len(longest) > MOST_NAMES:
        places = range(0, len(longest), max(1, len(longest) // 10))
        panel.set_xticks(places, [str(place + 1) for place in places])
        return "number of the layer, of those that end in a ReLU"
    slanted: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if sum(map(len, longest)) >= MOST_LETTERS else {}
    panel.set_xticks(range(len(longest)), longest, **slanted)
    return ""


def _label(panel: Axes, title: str, below: str, beside: str) -> None:
    panel.set_title(title, loc="left", fontsize=10)
    panel.set(xlabel=below, ylabel=beside)


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
    kinds = {"with structure": structure.structured, "of one colour": structure.plain, "of noise (black square)": structure.noisy}
    sorts = ", ".join(f"{each.sum()} {kind}" for kind, each in kinds.items()) if structure.judged else "least aliased first"
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
