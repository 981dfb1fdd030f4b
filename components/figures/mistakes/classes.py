"""The picture of classes: examples of those with the highest error, and how bright they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.components.data.brightness import Brightness, dark_classes
from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.mistakes.table import worst_first
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.sheet import block, sheet

MOST = 20  # Classes that are drawn.
SHOWN, TILE = 10, 96  # Examples in a row, and their side in pixels.


def draw_classes(images: ImageSet, classes: Sequence[Mapping[str, Any]], brightness: Sequence[Brightness | None]) -> Figure:
    """Draws a row of examples for each of the twenty classes with the highest top-1 error, worst first.

    The heading of a row has the error and the mean brightness of the class, and says so if the class is dark (`dark_classes`). Examples
    are evenly spread over those of the class.

    Args:
        images: the examples that were evaluated.
        classes: as in `evaluation.json`: `{"class", "examples", "top1_error", ...}`.
        brightness: of the training images of each class, in the order of `images.labels`, as in `statistics.json`.

    Returns:
        The picture `classes`; the numbers have `{"class", "examples", "top1_error", "brightness", "dark"}` for each row. `brightness` is
        as given, `dark` is whether the class is.

    Raises:
        ValueError: no class has an example.
    """
    rows = worst_first(classes)[:MOST]
    if not rows:
        raise ValueError("No class has an example; expected those of the examples that were evaluated.")
    dark = dark_classes(brightness)
    places = {name: number for number, name in enumerate(images.labels)}
    shown = [_spread(np.flatnonzero(images.origins.labels == places[row["class"]]), SHOWN) for row in rows]
    tiles: dict[int, np.ndarray] = {}
    for batch, numbers in images.batches("Reading classes", {int(number) for each in shown for number in each}):
        pictures = np.clip(np.rint(images.image_input.pictures(np.asarray(batch))), 0, 255).astype(np.uint8)
        tiles |= zip(np.asarray(numbers).tolist(), pictures, strict=True)
    found, headings = [], []
    for row in rows:
        label = places[row["class"]]
        own, usual = brightness[label], dark.get(label)
        found.append({key: row[key] for key in ("class", "examples", "top1_error")} | {"brightness": own, "dark": usual is not None})
        said = f"{row['class']}: top-1 error {row['top1_error']:.1%} of {row['examples']:,}"
        said += f"; brightness {own['mean']:.0f} of 255" if own else ""
        headings.append(said + (f", dark: the median of the others is {usual['mean']:.0f}" if usual else ""))
    blocks = [block([tiles[number] for number in numbers.tolist()], SHOWN, TILE) for numbers in shown]
    return Figure("classes", {"classes": sheet(blocks, headings, 1)}, {"pictures": ["classes.png"], "classes": found})


def _spread(numbers: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the numbers, evenly spread, in order."""
    return numbers[np.unique(np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round().astype(int))]
