"""Charts: curves and bars in one style, as pictures."""

from typing import Any, cast

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

DPI = 100  # Pixels per inch; sizes are given in pixels.
STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "grid.alpha": 0.3,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
}


def new_chart(rows: int, columns: int, width: int, height: int) -> tuple[Figure, np.ndarray]:
    """Begins a chart of `width` x `height` pixels: the figure for `chart_picture`, and an array `(rows, columns)` of its axes.

    No global state of matplotlib is changed.

    Examples:
        >>> figure, axes = new_chart(1, 2, 900, 400)
        >>> lines = axes[0, 0].plot([0, 1], [1, 0])
        >>> chart_picture(figure).shape
        (400, 900, 3)
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes: np.ndarray[tuple[int, int], np.dtype[np.object_]] = figure.subplots(rows, columns, squeeze=False)
    return figure, axes


def plain(text: str, longest: int | None = None) -> str:
    """Escapes a name for matplotlib, after cutting it to `longest` characters.

    Dollars then do not begin a formula, and a leading underscore does not hide the name from the legend.
    """
    text = text if longest is None or len(text) <= longest else f"{text[: longest - 4]} ..."
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def show_picture(axes: Axes, picture: np.ndarray, title: str = "") -> None:
    """Puts a picture, uint8 `(height, width, 3)`, into a panel, without axes."""
    axes.imshow(picture)
    axes.set_axis_off()
    axes.set_title(title)


def chart_picture(figure: Figure) -> np.ndarray:
    """Draws a chart: uint8 array `(height, width, 3)`."""
    with rc_context(STYLE):
        figure.canvas.draw()
        return np.asarray(cast(FigureCanvasAgg, figure.canvas).buffer_rgba())[..., :3].copy()
