"""The picture of the confusion matrix: numbers for few classes; for many, the whole matrix in colours and its most frequent pairs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from zfnet.components.evaluation.confusion import Confusion, confused_pairs, similar_order
from zfnet.components.pictures.chart import chart_picture, new_chart, plain
from zfnet.components.pictures.figure import Figure

NUMBERED = 20  # Classes at most whose matrix is drawn with numbers.
PAIRS = 30
POINTS = 200  # Points a side of a matrix without numbers.
CELL, MARGIN = 46, 190  # Side of a cell, and room for names beside the matrix, in pixels.
LONGEST, SHORTER = 22, 18  # Characters of a class beside the matrix, and of one of a pair.
DARK = 0.5  # Share of a row above which a number is white.
BAR = "#c0392b"


def draw_confusion(labels: Sequence[str], confusion: Confusion) -> Figure:
    """Draws a confusion matrix whose classes are ordered so that those that are mistaken for each other are side by side.

    At most twenty classes: a cell has the number of its examples, and its colour is the share of its row. More classes: the mistakes
    alone as points, coloured by the share of their row on a logarithmic scale, beside the 30 most frequent pairs. There are at most 200
    points a side; a point of several cells has the largest share.

    Args:
        labels: names of the classes.
        confusion: of as many classes.

    Returns:
        The picture `confusion`. The numbers have the matrix and its classes in the order in which they are drawn, for at most twenty
        classes; else the order, and the pairs: `{"class", "predicted", "examples"}`.

    Raises:
        ValueError: the confusion is of another number of classes.

    Examples:
        >>> draw_confusion(["cat", "dog", "cup"], Confusion.of_matrix([[5, 4, 0], [2, 7, 0], [1, 0, 8]])).numbers["classes"]
        ['cup', 'cat', 'dog']
    """
    if confusion.classes != len(labels):
        raise ValueError(f"The confusion matrix is of {confusion.classes} classes; expected {len(labels)}, as many as have names.")
    order = similar_order(confusion)
    names = [labels[number] for number in order]
    numbers = {"pictures": ["confusion.png"], "classes": names}
    if len(labels) <= NUMBERED:
        ordered = confusion.matrix()[np.ix_(order, order)]
        return Figure("confusion", {"confusion": _numbered(names, ordered)}, numbers | {"matrix": ordered.tolist()})
    pairs = confused_pairs(confusion, PAIRS)
    listed = [{"class": labels[true], "predicted": labels[other], "examples": count} for true, other, count in pairs]
    figure, axes = new_chart(1, 2, 1400, 760)
    _whole(axes[0, 0], confusion, order)
    totals = np.bincount(confusion.true, confusion.counts, confusion.classes)
    _bars(axes[0, 1], [(labels[true], labels[other], count, count / totals[true]) for true, other, count in pairs])
    return Figure("confusion", {"confusion": chart_picture(figure)}, numbers | {"pairs": listed})


def _numbered(names: Sequence[str], matrix: np.ndarray) -> np.ndarray:
    shares, size = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1), max(CELL * len(names), 3 * CELL) + MARGIN
    figure, axes = new_chart(1, 1, size + 60, size)
    panel = axes[0, 0]
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(matrix):
        colour = "white" if shares[row, column] > DARK else "black" if row == column else BAR
        weight = "normal" if row == column else "bold"
        text = f"{matrix[row, column]:,}"
        panel.text(column, row, text, color=colour, weight=weight, ha="center", va="center", fontsize=9 if len(text) < 5 else 7)
    shown = [plain(name, LONGEST) for name in names]
    panel.set_xticks(range(len(names)), shown, rotation=90)
    panel.set_yticks(range(len(names)), shown)
    panel.set(xlabel="predicted class", ylabel="true class", title="Examples, similar classes side by side")
    panel.grid(False)
    return chart_picture(figure)


def _whole(panel: Axes, confusion: Confusion, order: Sequence[int]) -> None:
    # A point is not smaller than a pixel, so that no mistake disappears between pixels.
    starts = np.unique(np.linspace(0, len(order), POINTS + 1).astype(int)[:-1])
    place = np.searchsorted(starts, np.argsort(order), side="right") - 1
    points, wrong = np.zeros((len(starts), len(starts))), confusion.mistakes()
    np.maximum.at(points, (place[confusion.true[wrong]], place[confusion.predicted[wrong]]), confusion.shares()[wrong])
    shown = np.ma.masked_equal(points, 0)
    norm = LogNorm(min(0.01, float(shown.min())) if shown.count() else 0.01, 1)
    mesh = panel.imshow(shown, cmap="viridis_r", norm=norm, interpolation="nearest")
    bar = panel.figure.colorbar(mesh, ax=panel, shrink=0.6, format=lambda value, _: f"{value:.2g}" if value < 0.01 else f"{value:.0%}")
    bar.set_label("share of the true class's examples; white: none")
    panel.set(xlabel="predicted class", ylabel="true class", xticks=[], yticks=[])
    panel.set_title(f"Mistakes among {len(order):,} classes,\nsimilar classes side by side")
    panel.grid(False)


def _bars(panel: Axes, pairs: Sequence[tuple[str, str, int, float]]) -> None:
    if not pairs:
        panel.set_axis_off()
        panel.set_title("There are no mistakes.")
        return
    places = np.arange(len(pairs))
    bars = panel.barh(places, [count for _, _, count, _ in pairs], 0.7, color=BAR)
    panel.bar_label(bars, [f"{count:,} ({share:.0%} of the class)" for _, _, count, share in pairs], padding=3, fontsize=8)
    panel.set_yticks(places, [f"{plain(true, SHORTER)} → {plain(other, SHORTER)}" for true, other, _, _ in pairs], fontsize=8)
    panel.set(title="The most frequent mistakes: true class → predicted class", xlabel="examples", ylim=(max(len(pairs), 3) - 0.4, -0.6))
    panel.margins(x=0.4)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(axis="y", visible=False)
