"""The chart of one occlusion, as the paper's Fig. 7."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Rectangle

from zfnet.components.figures.images import class_name
from zfnet.components.pictures.chart import chart_picture, new_chart, plain, show_picture
from zfnet.components.pictures.projected_activation import ProjectedActivation
from zfnet.components.pictures.sheet import block
from zfnet.model.measures.occlusion import Occlusion

WIDTH, HEIGHT = 1400, 980
TILE, COLUMNS = 128, 3  # Side of a projection, in pixels, and projections a row.
NAMED = 8  # Classes with a colour of their own; the others are grey.
OTHERS = (0.75, 0.75, 0.75, 1.0)
LONGEST, SHORTER = 28, 16  # Characters of a name in a heading, and beside a bar.
RED = "#d62728"


class OcclusionInput(NamedTuple):
    """The image that is occluded.

    Attributes:
        name: of the image.
        image: uint8 `(height, width, 3)`, RGB, of the size that the model takes.
        class_number: whose probability is drawn; None takes the class predicted without the square.
        class_source: source of that class: `PREDICTED`, or `images.TRUE_LABEL` or `GIVEN`.
        labels: names of the model's classes; empty if they are not known.
        chosen: the rule by which the image was chosen; None if the user named it.
    """

    name: str
    image: np.ndarray
    class_number: int | None
    class_source: str
    labels: Sequence[str]
    chosen: str | None = None


class OccludedImage(NamedTuple):
    """An image, and the measurements for all positions of the square.

    Attributes:
        subject, found: the image; its activations and probabilities.
        class_number: whose probability is drawn; None for a model without classes.
        cover, grey: the fill of the square, `(height, width, 3)`, RGB 0..255, and its source.
        unit, own: name of the map, and its projection in this image.
        others: its strongest activations in other images; None without other images.
    """

    subject: OcclusionInput
    found: Occlusion
    class_number: int | None
    cover: np.ndarray
    grey: str
    unit: str
    own: ProjectedActivation
    others: Sequence[ProjectedActivation] | None

    @property
    def class_name(self) -> str | None:
        """Name of the class whose probability is drawn."""
        return None if self.class_number is None else class_name(self.class_number, self.subject.labels)

    @property
    def predictions(self) -> np.ndarray | None:
        """`(rows, columns)`, probabilities of the class with the square at each place; None for a model without classes."""
        probabilities = self.found.probabilities
        return None if probabilities is None or self.class_number is None else probabilities[..., self.class_number]


def occlusion_chart(shown: OccludedImage) -> np.ndarray:
    """Draws the image, the map's activation and projections, the class's probability, and the likeliest class.

    Heat maps have the geometry of the image: each value is drawn at the centre of its square, which leaves a margin of half a square. In
    (a) the square covers the image where P is lowest (the activation, for a model without classes); the maps have its outline there.
    """
    figure, axes = new_chart(2, 3, WIDTH, HEIGHT)
    found, subject, unit, predictions = shown.found, shown.subject, plain(shown.unit), shown.predictions
    row, column = found.lowest_place(shown.class_number)
    corner = int(found.tops[row]), int(found.lefts[column])
    square = tuple(slice(start, start + found.square) for start in corner)
    covered = subject.image.copy()
    covered[square] = np.clip(np.rint(shown.cover[square]), 0, 255)
    lowest = f"the square where {'activation' if predictions is None else 'P'} is lowest"
    show_picture(axes[0, 0], covered, f"(a) {plain(subject.name, LONGEST)},\n{lowest}")
    axes[0, 1].set_title(f"(b) {unit}: total activation,\nby the centre of the square")
    _heat(axes[0, 1], shown, corner, found.totals, found.total)
    pictures = [shown.own, *(shown.others or ())]
    halves = [block([getattr(each, part) for each in pictures], COLUMNS, TILE) for part in ("projection", "patch")]
    gap = np.full((12, halves[0].shape[1], 3), 255, np.uint8)
    others = "no data to search for others" if shown.others is None else "others: strongest in the data"
    show_picture(axes[0, 2], np.concatenate([halves[0], gap, halves[1]]), f"(c) {unit} projected\nframed: this image; {others}")
    for top in (0, len(halves[0]) + len(gap)):
        axes[0, 2].add_patch(Rectangle((0, top), TILE - 1, TILE - 1, fill=False, color=RED, linewidth=2))
    facts = [
        f"The square of {found.square} x {found.square} pixels shows {shown.grey}; {len(found.tops) * len(found.lefts)} places.",
        f"{unit}: total {found.total:.3g} without it, {found.totals.min():.3g} at worst.",
    ]
    if found.uncovered is None or found.probabilities is None or shown.class_number is None or predictions is None:
        for panel in axes[1]:
            panel.set_axis_off()
        axes[1, 0].set_title("The model has no classes.")
    else:
        probability, likeliest = float(found.uncovered[shown.class_number]), found.probabilities.argmax(axis=2)
        axes[1, 0].set_title(f"(d) P({plain(shown.class_name or '', LONGEST)}),\nthe {subject.class_source}")
        _heat(axes[1, 0], shown, corner, predictions, probability, highest=1)
        colours = _classes(axes[1, 1], subject.image, found, corner, likeliest)
        _bars(axes[1, 2], found.uncovered, found.probabilities[row, column], shown.class_number, likeliest, subject.labels, colours)
        facts.append(f"P: {probability:.3f} without it, {predictions.min():.3f} at worst.")
    lines = [" ".join(facts), *([f"How the example was chosen: {subject.chosen}."] if subject.chosen else [])]
    for panel in axes.flat:
        panel.title.set_fontsize(10)
    figure.supxlabel("\n".join(lines), x=0.01, horizontalalignment="left", fontsize=9, linespacing=1.5)
    return chart_picture(figure)


def _heat(
    panel: Axes, shown: OccludedImage, corner: tuple[int, int], values: np.ndarray, uncovered: float, highest: float | None = None
) -> None:
    _behind(panel, shown.subject.image)
    lowest, highest = (min(values.min(), uncovered), max(values.max(), uncovered)) if highest is None else (0, highest)
    mesh = panel.pcolormesh(*_edges(shown.found), values, cmap="viridis", vmin=lowest, vmax=highest)
    _outline(panel, shown.found, corner)
    bar = panel.figure.colorbar(mesh, ax=panel, shrink=0.8)
    bar.ax.axhline(uncovered, color=RED, linewidth=2)
    bar.set_label(f"red: {uncovered:.3g} without the square")


def _classes(
    panel: Axes, image: np.ndarray, found: Occlusion, corner: tuple[int, int], likeliest: np.ndarray
) -> dict[int, tuple[float, ...]]:
    """Draws the most probable class of each position, and returns the colours of the named classes."""
    counts = Counter(likeliest.ravel().tolist())
    named = [number for number, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:NAMED]]
    places = np.full(likeliest.shape, len(named))
    for place, number in enumerate(named):
        places[likeliest == number] = place
    colours = [*(colormaps["tab10"](place) for place in range(len(named))), OTHERS]
    _behind(panel, image)
    norm = BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours))
    panel.pcolormesh(*_edges(found), places, cmap=ListedColormap(colours), norm=norm)
    _outline(panel, found, corner)
    panel.set_title("(e) the most probable class,\nits colour in (f)")
    return dict(zip(named, colours, strict=False))


def _bars(
    panel: Axes,
    uncovered: np.ndarray,
    covered: np.ndarray,
    class_number: int,
    likeliest: np.ndarray,
    labels: Sequence[str],
    colours: dict[int, tuple[float, ...]],
) -> None:
    """Draws P of the likeliest classes: without the square, and with it at its worst place; and how often each is the likeliest."""
    wanted = dict.fromkeys([class_number, *colours])
    shown = sorted(wanted, key=lambda number: (number != class_number, -covered[number]))[:NAMED]
    rows = np.arange(len(shown))
    for offset, values, alpha in ((-0.2, uncovered, 0.35), (0.2, covered, 1.0)):
        bars = panel.barh(rows + offset, values[shown], 0.36, color=[(*colours.get(number, OTHERS)[:3], alpha) for number in shown])
        panel.bar_label(bars, [f"{value:.2f}" for value in values[shown]], padding=3, fontsize=8)
    shares = [f"{plain(class_name(number, labels), SHORTER)}\n{(likeliest == number).mean():.0%} of (e)" for number in shown]
    panel.set_yticks(rows, shares)
    panel.set(xlim=(0, 1.12), ylim=(max(len(shown), 3) - 0.4, -0.6))
    panel.grid(axis="y", visible=False)
    panel.set_title("(f) P of the classes: pale without the square,\nfull with it as in (a)")


def _outline(panel: Axes, found: Occlusion, corner: tuple[int, int]) -> None:
    """Draws the outline of the square in (a)."""
    for colour, width in (("black", 2.5), ("white", 1.2)):
        panel.add_patch(Rectangle(corner[::-1], found.square, found.square, fill=False, color=colour, linewidth=width))


def _behind(panel: Axes, image: np.ndarray) -> None:
    """Draws the image faintly, as a background."""
    height, width = image.shape[:2]
    panel.imshow(image, extent=(0, width, height, 0), alpha=0.35)
    panel.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    panel.grid(False)
    panel.tick_params(labelsize=7)


def _edges(found: Occlusion) -> tuple[np.ndarray, np.ndarray]:
    """Edges between the positions, horizontal and vertical: halfway between the centres of neighbouring squares."""
    edges = []
    for starts in (found.lefts, found.tops):
        centres = starts + found.square / 2
        between = (centres[1:] + centres[:-1]) / 2
        # A single place has no neighbour: it is as wide as the square.
        half = found.square / 2 if len(centres) == 1 else None
        first = centres[0] - half if half else 2 * centres[0] - between[0]
        last = centres[-1] + half if half else 2 * centres[-1] - between[-1]
        edges.append(np.concatenate([[first], between, [last]]))
    return edges[0], edges[1]
