"""An input and its projection in panels: bars for a vector, curves for a signal, a picture for an image, three planes for a volume."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from zfnet.components.pictures.chart import chart_picture, new_chart, plain
from zfnet.components.pictures.project_images import FRAME
from zfnet.components.pictures.projected_activation import signed_scale

POSITIVE, NEGATIVE, LINE, WINDOW = "#c0392b", "#2e6da4", "#303030", "#f4c95d"
CELL, CURVE, PICTURE = 480, 115, 175  # Width of a cell, and heights of its rows, in pixels.
TILE = 128  # Side of a panel of a gallery.
BARS = 48  # Numbers of a vector that are drawn as bars; more are a curve.
PLANES = "slice", "row", "column"


class SeenInput(NamedTuple):
    """The part of one input that a unit sees; channels come last, and a vector has none.

    Attributes:
        name: of the input; empty if the model has only one.
        values: the whole input, `(..., C)`, or `(F,)` for a vector.
        patch: the window of it that the unit sees.
        projection: the projection to that window, signed.
        corner: first place of the window along each axis.
    """

    name: str
    values: np.ndarray
    patch: np.ndarray
    projection: np.ndarray
    corner: tuple[int, ...]

    @property
    def is_part(self) -> bool:
        """Whether the window is a part of the input."""
        return self.patch.shape != self.values.shape

    @property
    def place(self) -> tuple[int, ...]:
        """Place in the window where the projection is strongest."""
        strength = np.abs(self.projection).sum(axis=-1) if self.projection.ndim > 1 else np.abs(self.projection)
        return tuple(int(number) for number in np.unravel_index(strength.argmax(), strength.shape))

    @property
    def channel(self) -> int:
        """Channel in which the projection is strongest; pictures show it alone if there are not one or three channels."""
        return int(np.abs(self.projection).reshape(-1, self.projection.shape[-1]).sum(axis=0).argmax())


def input_chart(seen: SeenInput) -> np.ndarray:
    """Draws an input, the part of it that the unit sees, and its projection: uint8 `(height, width, 3)`.

    They are below each other, those of an image side by side. A volume is drawn as three planes through the place where the projection is
    strongest.

    Examples:
        >>> wave = np.sin(np.linspace(0, 30, 200))[:, None]
        >>> input_chart(SeenInput("", wave, wave[20:60], np.zeros((40, 1)), (20,))).shape
        (345, 480, 3)
    """
    columns, is_image = 3 if seen.values.ndim == 4 else 1, seen.values.ndim == 3
    rows = ["whole", "patch", "projection"] if seen.is_part else ["whole", "projection"]
    height = PICTURE if is_image else (PICTURE if columns == 3 else CURVE) * len(rows)
    figure, axes = new_chart(1 if is_image else len(rows), len(rows) if is_image else columns, CELL, height)
    axes = axes.T if is_image else axes
    place = np.add(seen.place, seen.corner) if seen.values.ndim > 1 else ()
    for row, kind in enumerate(rows):
        is_whole = kind == "whole"
        values = {"whole": seen.values, "patch": seen.patch, "projection": seen.projection}[kind]
        corner = (0,) * len(seen.corner) if is_whole or not seen.is_part else seen.corner
        for panel in range(columns):
            _draw(axes[row, panel], seen, values, corner, panel, signed=kind == "projection")
            if is_whole and seen.is_part:
                _frame(axes[row, panel], seen, panel)
            if columns == 3 and row == 0:
                axes[row, panel].set_title(f"{PLANES[panel]} {place[panel]}", fontsize=9)
        title = {"whole": "input", "patch": "window", "projection": "projection"}[kind]
        if is_image:
            axes[row, 0].set_title(title, fontsize=9)
            axes[row, 0].set_ylabel(plain(seen.name if row == 0 else "", 40))
        else:
            axes[row, 0].set_ylabel(plain(f"{seen.name}\n{title}" if seen.name and row == 0 else title, 40))
    return chart_picture(figure)


def input_rows(seen: Sequence[SeenInput], columns: int) -> np.ndarray:
    """Draws the windows that a unit sees in several examples beside each other, and under each its projection.

    Args:
        seen: one input, in each of the examples.
        columns: number of places for examples; missing ones are left blank.

    Returns:
        uint8 `(height, width, 3)`: two rows; six for volumes, whose planes are below each other.
    """
    planes = 3 if seen[0].values.ndim == 4 else 1
    side = TILE if seen[0].values.ndim > 2 else TILE // 2
    figure, axes = new_chart(2 * planes, columns, columns * TILE, 2 * planes * side)
    for panel in axes.ravel():
        panel.set_axis_off()
    for column, each in enumerate(seen):
        for row in range(2 * planes):
            signed, panel = row % 2 == 1, row // 2
            _draw(axes[row, column], each, each.projection if signed else each.patch, (0,) * len(each.corner), panel, signed=signed)
    return chart_picture(figure)


def _draw(axes: Axes, seen: SeenInput, values: np.ndarray, corner: Sequence[int], panel: int, *, signed: bool) -> None:
    if values.ndim == 1:
        _draw_vector(axes, values, signed)
    elif values.ndim == 2:
        _draw_curves(axes, values, corner[0], signed)
    else:
        # The planes of the whole volume and of the window go through the same place.
        whole = values.shape == seen.values.shape
        place = np.add(seen.place, seen.corner) if whole and seen.is_part else seen.place
        plane = np.take(values, place[panel], axis=panel) if values.ndim == 4 else values
        limit = float(signed_scale(values[None])[0]) or 1.0
        low, high = (-limit, limit) if signed else (float(seen.values.min()), float(seen.values.max()))
        axes.imshow(_picture(plane, seen, low, high), interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)


def _picture(plane: np.ndarray, seen: SeenInput, low: float, high: float) -> np.ndarray:
    shown = plane if plane.shape[-1] in (1, 3) else plane[..., seen.channel, None]
    grey = np.clip((shown - low) / ((high - low) or 1.0), 0, 1)
    return np.broadcast_to(np.rint(255 * grey), (*shown.shape[:2], 3)).astype(np.uint8)


def _draw_vector(axes: Axes, values: np.ndarray, signed: bool) -> None:
    if len(values) > BARS:
        _draw_curves(axes, values[:, None], 0, signed)
        return
    colours = [POSITIVE if value >= 0 else NEGATIVE for value in values] if signed else LINE
    axes.bar(np.arange(len(values)), values, color=colours)


def _draw_curves(axes: Axes, values: np.ndarray, start: int, signed: bool) -> None:
    steps = np.arange(start, start + len(values))
    if values.shape[1] == 1 and signed:
        axes.fill_between(steps, values[:, 0], 0, where=values[:, 0] >= 0, color=POSITIVE, interpolate=True, linewidth=0)
        axes.fill_between(steps, values[:, 0], 0, where=values[:, 0] <= 0, color=NEGATIVE, interpolate=True, linewidth=0)
        axes.plot(steps, values[:, 0], color=LINE, linewidth=0.5)
    else:
        axes.plot(steps, values, linewidth=0.9, color=LINE if values.shape[1] == 1 else None)
    if signed:
        limit = 1.05 * float(np.abs(values).max()) or 1.0
        axes.set_ylim(-limit, limit)
    axes.set_xlim(steps[0], max(steps[-1], steps[0] + 1))


def _frame(axes: Axes, seen: SeenInput, panel: int) -> None:
    if seen.values.ndim == 2:
        axes.axvspan(seen.corner[0], seen.corner[0] + len(seen.patch) - 1, color=WINDOW, alpha=0.6, linewidth=0)
        return
    kept = [axis for axis in range(len(seen.corner)) if seen.values.ndim == 3 or axis != panel]
    (top, left), (height, width) = ([numbers[axis] for axis in kept] for numbers in (seen.corner, seen.patch.shape))
    colour = tuple(value / 255 for value in FRAME)
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=colour, linewidth=1.2))
