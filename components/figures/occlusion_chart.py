"""The chart of one occlusion, as the paper's Fig. 7."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from zfnet.components.figures.strongest_elsewhere import Elsewhere
from zfnet.components.pictures.chart import chart_picture, new_chart, plain, show_picture
from zfnet.components.pictures.project_images import ProjectedImage
from zfnet.components.pictures.sheet import block
from zfnet.model.measures.occlusion import Occlusion

WIDTH, HEIGHT = 1400, 960
# Of the projections, in pixels, and how many stand in a row.
TILE, COLUMNS = 128, 3
# Classes with a colour of their own; the others are grey.
NAMED = 8
OTHERS = (0.75, 0.75, 0.75, 1.0)
LONGEST = 28


class OcclusionTexts(NamedTuple):
    """What the panels say.

    Attributes:
        name: of the image.
        unit: the map, by its name.
        grey: what the square shows.
        class_name: whose probability is drawn; None of a model without classes.
        known_by: what that class is.
        others: whose projections stand beside that of the image.
    """

    name: str
    unit: str
    grey: str
    class_name: str | None
    known_by: str
    others: str


def occlusion_chart(
    image: np.ndarray,
    cover: np.ndarray,
    found: Occlusion,
    class_number: int | None,
    likeliest: np.ndarray | None,
    names: dict[int, str],
    own: ProjectedImage,
    elsewhere: Sequence[Elsewhere],
    texts: OcclusionTexts,
) -> np.ndarray:
    """Draws an occlusion: the image, the map's activation and projections, the class's probability, and the likeliest class.

    Maps are in the geometry of the image: each value stands at the centre of its square, so that a margin of half a square is left.

    Args:
        image: uint8 `(height, width, 3)`.
        cover: of the same shape, what the square shows.
        found: the occlusion.
        class_number: whose probability is drawn.
        likeliest: `(rows, columns)`, the likeliest class at each place.
        names: of the classes in it.
        own: the map's projection in this image.
        elsewhere: the map's strongest activations in other images.
        texts: what the panels say.

    Returns:
        uint8 array: the picture.
    """
    figure, axes = new_chart(2, 3, WIDTH, HEIGHT)
    unit = plain(texts.unit)
    top, left = found.tops[len(found.tops) // 2], found.lefts[len(found.lefts) // 2]
    square = slice(top, top + found.square), slice(left, left + found.square)
    covered = image.copy()
    covered[square] = np.clip(np.rint(cover[square]), 0, 255)
    show_picture(axes[0, 0], covered, f"(a) {_cut(texts.name)}; the square shows\n{texts.grey}")
    _heat(figure, axes[0, 1], image, found, found.totals, found.total, f"(b) {unit}: total activation,\nby the centre of the square")
    pictures = [own, *elsewhere]
    halves = [block([getattr(each, part) for each in pictures], COLUMNS, TILE) for part in ("projection", "patch")]
    gap = np.full((12, halves[0].shape[1], 3), 255, np.uint8)
    title = f"(c) {unit} projected: here (framed),\n{texts.others}"
    show_picture(axes[0, 2], np.concatenate([halves[0], gap, halves[1]]), title)
    for row in (0, len(halves[0]) + len(gap)):
        axes[0, 2].add_patch(Rectangle((0, row), TILE - 1, TILE - 1, fill=False, color="#d62728", linewidth=2))
    uncovered, probabilities = found.uncovered, found.probabilities
    if likeliest is None or uncovered is None or probabilities is None or class_number is None:
        for panel in axes[1]:
            panel.set_axis_off()
        axes[1, 0].set_title("The model has no classes.")
        return chart_picture(figure)
    title = f"(d) P({_cut(texts.class_name or str(class_number))}),\nthe {texts.known_by}"
    _heat(figure, axes[1, 0], image, found, probabilities[..., class_number], float(uncovered[class_number]), title, highest=1)
    _classes(axes[1, 1], axes[1, 2], image, found, likeliest, names)
    facts = (
        f"{len(found.tops) * len(found.lefts)} places of a square of {found.square} x {found.square} pixels\n"
        f"{unit}: total {found.total:.3g}, {found.totals.min():.3g} at worst\n"
        f"P: {uncovered[class_number]:.3f}, {probabilities[..., class_number].min():.3f} at worst"
    )
    axes[1, 2].text(0, 0.02, facts, transform=axes[1, 2].transAxes, linespacing=1.6)
    return chart_picture(figure)


def _heat(
    figure: Figure,
    panel: Axes,
    image: np.ndarray,
    found: Occlusion,
    values: np.ndarray,
    uncovered: float,
    title: str,
    highest: float | None = None,
) -> None:
    _behind(panel, image)
    lowest, highest = (min(values.min(), uncovered), max(values.max(), uncovered)) if highest is None else (0, highest)
    mesh = panel.pcolormesh(*_edges(found), values, cmap="viridis", vmin=lowest, vmax=highest)
    bar = figure.colorbar(mesh, ax=panel, shrink=0.8)
    bar.ax.axhline(uncovered, color="#d62728", linewidth=2)
    bar.set_label(f"red: {uncovered:.3g} without the square")
    panel.set_title(title)


def _classes(panel: Axes, legend: Axes, image: np.ndarray, found: Occlusion, likeliest: np.ndarray, names: dict[int, str]) -> None:
    counts = Counter(likeliest.ravel().tolist())
    named = [number for number, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:NAMED]]
    places = np.full(likeliest.shape, len(named))
    for place, number in enumerate(named):
        places[likeliest == number] = place
    colours = [*(colormaps["tab10"](place) for place in range(len(named))), OTHERS]
    _behind(panel, image)
    norm = BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours))
    panel.pcolormesh(*_edges(found), places, cmap=ListedColormap(colours), norm=norm)
    panel.set_title("(e) the most probable class")
    share = 100 / likeliest.size
    entries = [
        Patch(color=colours[place], label=f"{_cut(names[number])}: {counts[number] * share:.0f} %") for place, number in enumerate(named)
    ]
    if others := sum(counts[number] for number in counts if number not in named):
        entries.append(Patch(color=OTHERS, label=f"{len(counts) - len(named)} other classes: {others * share:.0f} %"))
    legend.set_axis_off()
    legend.legend(handles=entries, loc="upper left", title="(e) share of the places", alignment="left", frameon=False)


def _behind(panel: Axes, image: np.ndarray) -> None:
    """The image, faintly, so that places can be found again."""
    height, width = image.shape[:2]
    panel.imshow(image, extent=(0, width, height, 0), alpha=0.35)
    panel.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    panel.grid(False)
    panel.tick_params(labelsize=7)


def _edges(found: Occlusion) -> tuple[np.ndarray, np.ndarray]:
    """Borders between the places, horizontal and vertical: halfway between the centres of neighbouring squares."""
    edges = []
    for starts in (found.lefts, found.tops):
        centres = starts + found.square / 2
        between = (centres[1:] + centres[:-1]) / 2
        # A single place has no neighbour: it is as wide as the square.
        first, last = (
            (centres[0] - found.square / 2, centres[-1] + found.square / 2)
            if len(centres) == 1
            else (
                2 * centres[0] - between[0],
                2 * centres[-1] - between[-1],
            )
        )
        edges.append(np.concatenate([[first], between, [last]]))
    return edges[0], edges[1]


def _cut(text: str) -> str:
    return plain(text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ...")
