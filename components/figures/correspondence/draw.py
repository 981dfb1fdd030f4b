"""The table of correspondence: whether hiding the same part of different images changes features in the same way."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zfnet.components.data.batches import PIXELS
from zfnet.components.figures.correspondence.parts import PartViews
from zfnet.components.figures.images import MeanGrey
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.chart import chart_picture, new_chart, plain
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.sheet import block, sheet
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.correspondence import random_boxes, sign_changes
from zfnet.model.measures.occlusion import cover_boxes
from zfnet.model.progress import progress

# The sheet: images at most, and the side of a tile in pixels.
ROWS, TILE = 8, 200
PART, RANDOM = "#d62728", "#9a9a9a"


def draw_correspondence(deconvnet: Deconvnet, views: PartViews, grey: MeanGrey, layers: Sequence[str], *, draws: int, seed: int) -> Figure:
    """Measures the mean feature sign change for each part, and for random boxes of the same size.

    Zeiler & Fergus 2013, "Correspondence Analysis", Table 1 and Fig. 8. Reading: the paper does not say what its +- is. Here it is the
    standard deviation over the pairs of images; for random boxes, over the pairs of all draws. Reading: a random box lies elsewhere in
    each image, and may lie on a part.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        views, grey: the images, at least two, and the pixels of hidden parts.
        draws, seed: number of random boxes for each part of each image, and the seed of their positions.

    Returns:
        The pictures `correspondence`, the table as a chart, and `correspondence_parts`, the images with hidden parts.

    Raises:
        ValueError: a layer is not there, features are not numbers, or a part is larger than the region of random boxes.
    """
    height, width = views.pictures.shape[1:3]
    image_input = ImageInput(height, width, deconvnet.graph.channels_first)
    images = image_input.to_model_layout(views.pictures.astype(np.float32))
    batch_size = max(1, PIXELS // (height * width))
    drawn, parts = {}, {}
    for number, (part, boxes) in enumerate(views.boxes.items()):
        drawn[part] = random_boxes(boxes[:, 2:], views.within, draws, np.random.default_rng([seed, number]))
        both = np.concatenate([boxes[None], drawn[part]])
        found = list(progress(sign_changes(deconvnet, images, both, grey.values, list(layers), batch_size), len(both), f"Hiding {part}"))
        parts[part] = {layer: _compare(found[0][layer], np.stack([each[layer] for each in found[1:]])) for layer in layers}
    pictures = {"correspondence": _chart(parts, layers, views.note), "correspondence_parts": _sheet(views, grey, image_input, drawn)}
    numbers = {
        "pictures": [f"{name}.png" for name in pictures],
        "note": views.note,
        "grey": grey.source,
        "draws": draws,
        "seed": seed,
        "pairs_of_images": len(views.names) * (len(views.names) - 1) // 2,
        "images": [
            {"image": name, "boxes": {part: boxes[place].tolist() for part, boxes in views.boxes.items()}}
            for place, name in enumerate(views.names)
        ],
        "parts": parts,
    }
    return Figure("correspondence", pictures, numbers)


def _compare(pairs: np.ndarray, random: np.ndarray) -> dict[str, Any]:
    means = random.mean(axis=1)
    return {
        "mean": float(pairs.mean()),
        "std": float(pairs.std()),
        "pairs": pairs.tolist(),
        "random": {"mean": float(random.mean()), "std": float(random.std()), "draws": means.tolist()},
        # How often random boxes are as good, or better.
        "share_of_draws_not_above": float((means <= pairs.mean()).mean()),
    }


def _chart(parts: dict[str, dict[str, Any]], layers: Sequence[str], note: str) -> np.ndarray:
    panel = max(420, 150 * len(parts))
    figure, axes = new_chart(1, len(layers), max(800, panel * len(layers)), 460)
    for axis, layer in zip(axes[0], layers, strict=True):
        places = np.arange(len(parts))
        found = [each[layer] for each in parts.values()]
        for shift, colour, values, label in (
            (-0.2, PART, found, "the part hidden in every image"),
            (0.2, RANDOM, [each["random"] for each in found], "random boxes of the same size"),
        ):
            means, deviations = ([each[name] for each in values] for name in ("mean", "std"))
            bars = axis.bar(places + shift, means, 0.38, yerr=deviations, color=colour, label=label, capsize=4)
            axis.bar_label(bars, [f"{mean:.3f}" for mean in means], label_type="center", color="white")
        axis.set(title=f"{layer}: mean feature sign change", ylim=(0, None))
        axis.set_xticks(places, [plain(part) for part in parts])
        axis.grid(visible=False, axis="x")
        axis.set_axisbelow(True)
    figure.suptitle(note, fontsize=10)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return chart_picture(figure)


def _sheet(views: PartViews, grey: MeanGrey, image_input: ImageInput, drawn: dict[str, np.ndarray]) -> np.ndarray:
    fill = image_input.pictures(np.rint(grey.values)[None])[0]
    shown = slice(0, ROWS)
    columns = {"original": views.pictures[shown]}
    for part, boxes in views.boxes.items():
        columns[part] = cover_boxes(views.pictures[shown], boxes[shown], fill)
    part = list(drawn)[-1]
    columns[f"random, as large as {part}"] = cover_boxes(views.pictures[shown], drawn[part][0][shown], fill)
    return sheet([block(list(column), 1, TILE) for column in columns.values()], list(columns), len(columns))
