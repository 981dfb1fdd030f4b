"""The figure of invariance: changes of features and of the prediction while images are translated, scaled and rotated."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import ImageColor

from zfnet.components.data.batches import PIXELS
from zfnet.components.figures.images import TRUE_LABEL, LabelledImages, class_name
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.transform import Family, paper_families, transform
from zfnet.components.pictures.chart import chart_picture, new_chart, plain, show_picture
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.sheet import block, resize_tile
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.invariance import Invariance, Untransformed, invariance, untransformed
from zfnet.model.progress import progress

# The sheet of transformed images: steps, images at most, side of a tile and its frame in pixels.
STEPS, ROWS, TILE, FRAME = 5, 5, 84, 4
WIDTH, PANEL = 1500, 260
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#bcbd22", "#7f7f7f")
# The legend: characters of a name, pixels of a character, and the name of the dashed line.
LONGEST, CHARACTER = 40, 7
BETWEEN = "mean distance between the untransformed images"
LINES = ("-", "--", ":", "-.")
DOING = {"translation": "Translating", "scale": "Scaling", "rotation": "Rotating"}


def draw_invariance(deconvnet: Deconvnet, subjects: LabelledImages, layers: Sequence[str], *, image_size: int | None = None) -> Figure:
    """Draws, for translation, scale and rotation, the distance of the features of transformed images from those of the images.

    Zeiler & Fergus 2013, section 4 ("Feature Invariance") and Fig. 5: Euclidean distances in the first and the last hidden layer, and
    P(true label). A dashed line is the mean distance between the untransformed images. The numbers also have distances divided by it, so
    that layers can be compared. See `transform` for the pixels at the borders. The model takes RGB 0..255; if it takes any size,
    `image_size` is the side of its images.

    Raises:
        ValueError: a layer is not there, or features are not numbers.
    """
    image_input = ImageInput.of(deconvnet.model, image_size)
    size = image_input.height, image_input.width
    batch_size = max(1, PIXELS // (size[0] * size[1]))

    def made(transformation, squares=subjects.squares):
        return transform(squares, subjects.corner, size, transformation)

    families = paper_families(image_input.height)
    first = families[0].transformations()[int(np.flatnonzero(families[0].values == 0)[0])]
    reference = untransformed(deconvnet, image_input.to_model_layout(made(first)), list(layers), batch_size)
    classes = _classes(subjects, reference)
    found = []
    for family in families:
        steps = progress(family.transformations(), len(family.values), DOING[family.name])
        found.append(invariance(deconvnet, reference, (image_input.to_model_layout(made(step)) for step in steps), classes, batch_size))
    sheets = [_sheet(family, made, subjects.squares[:ROWS]) for family in families]
    picture = _chart(families, found, sheets, reference, _headings(subjects, classes), subjects.class_source)
    return Figure("invariance", {"invariance": picture}, _numbers(families, found, reference, subjects, classes))


def _classes(subjects: LabelledImages, reference: Untransformed) -> np.ndarray | None:
    if reference.probabilities is None:
        return None
    return reference.probabilities.argmax(axis=1) if subjects.classes is None else np.array(subjects.classes)


def _headings(subjects: LabelledImages, classes: np.ndarray | None) -> list[str]:
    if classes is None:
        return list(subjects.names)
    called = [class_name(number, subjects.labels) for number in classes]
    # Examples of different classes are named by their class.
    return called if subjects.class_source == TRUE_LABEL else [f"{name}: {each}" for name, each in zip(subjects.names, called, strict=True)]


def _sheet(family: Family, made: Callable, squares: np.ndarray) -> tuple[np.ndarray, str]:
    places = np.linspace(0, len(family.values) - 1, STEPS).round().astype(int)
    steps = family.transformations()
    columns = [np.rint(made(steps[place], squares)).astype(np.uint8) for place in places]
    tiles = []
    for number in range(len(squares)):
        for column in columns:
            tile = np.full((TILE, TILE, 3), ImageColor.getrgb(COLOURS[number % len(COLOURS)]), np.uint8)
            tile[FRAME:-FRAME, FRAME:-FRAME] = resize_tile(column[number], TILE - 2 * FRAME)
            tiles.append(tile)
    shown = ", ".join(f"{family.values[place]:g}" for place in places)
    return block(tiles, STEPS, TILE), f"{family.name}: {shown} {family.unit.split()[0]}"


def _chart(
    families: list[Family], found: list[Invariance], sheets: list, reference: Untransformed, names: list[str], class_source: str
) -> np.ndarray:
    rows = [
        (f"{layer}: Euclidean distance", [curves.distances[layer] for curves in found], reference.between[layer])
        for layer in reference.features
    ]
    if reference.probabilities is not None:
        rows.append((f"P({class_source})", [curves.probabilities for curves in found if curves.probabilities is not None], None))
    entries = [plain(name, LONGEST) for name in names]
    legend_columns = max(1, min(len(names), WIDTH // (max(map(len, [*entries, BETWEEN])) * CHARACTER + 60)))
    heights = [sheets[0][0].shape[0] * WIDTH // (len(families) * sheets[0][0].shape[1]), *[PANEL] * len(rows)]
    figure, axes = new_chart(len(heights), len(families), WIDTH, sum(heights) + 24 * (2 + len(names) // legend_columns))
    axes[0, 0].get_gridspec().set_height_ratios(heights)
    for panel, (sheet, title) in zip(axes[0], sheets, strict=True):
        show_picture(panel, sheet, title)
    for panels, (heading, curves, between) in zip(axes[1:], rows, strict=True):
        # One scale a row, so that transformations can be compared.
        highest = 1 if heading.startswith("P(") else max(between or 0, *(values.max() for values in curves))
        for panel, family, values in zip(panels, families, curves, strict=True):
            for number, curve in enumerate(values):
                line = {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number // len(COLOURS) % len(LINES)]}
                panel.plot(family.values, curve, label=entries[number], **line)
            if between is not None:
                panel.axhline(between, color="#555555", linestyle="--", linewidth=1, label=BETWEEN)
            panel.set(title=heading, xlabel=family.unit, xlim=(family.values[0], family.values[-1]), ylim=(0, (highest or 1) * 1.04))
    figure.legend(*axes[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=legend_columns, frameon=False)
    return chart_picture(figure)


def _numbers(
    families: list[Family], found: list[Invariance], reference: Untransformed, subjects: LabelledImages, classes: np.ndarray | None
) -> dict[str, Any]:
    images = []
    for place, name in enumerate(subjects.names):
        image: dict[str, Any] = {"image": name}
        if classes is not None and reference.probabilities is not None:
            probability = float(reference.probabilities[place, classes[place]])
            image |= {"class": class_name(classes[place], subjects.labels), "class_is": subjects.class_source, "probability": probability}
        images.append(image)
    transformations = {}
    for family, curves in zip(families, found, strict=True):
        relative = {
            layer: (curves.distances[layer] / between).tolist() if between else None for layer, between in reference.between.items()
        }
        transformations[family.name] = {
            "unit": family.unit,
            "values": family.values.tolist(),
            "distances": {layer: values.tolist() for layer, values in curves.distances.items()},
            "relative_distances": relative,
            "probabilities": None if curves.probabilities is None else curves.probabilities.tolist(),
        }
    return {
        "pictures": ["invariance.png"],
        "images": images,
        "distance_between_images": reference.between,
        "transformations": transformations,
    }
