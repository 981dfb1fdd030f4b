"""The picture of classes: examples of those with the highest error, and how bright they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.mistakes.table import worst_first
from zfnet.components.pictures.figure import Figure
from zfnet.components.pictures.sheet import block, sheet

MOST = 20  # Classes that are drawn.
SHOWN, TILE = 10, 96  # Examples in a row, and their side in pixels.
MEASURED = 100  # Examples of a class whose brightness is measured.
DARK = 0.6  # Share of the median brightness below which a class is called dark.


def draw_classes(images: ImageSet, classes: Sequence[Mapping[str, Any]]) -> Figure:
    """Draws a row of examples for each of the twenty classes with the highest top-1 error, worst first.

    The heading of a row has the error, the mean brightness of at most a hundred examples, 0 for black to 255 for white, and says so if it
    is less than 0.6 times the median of the classes that are drawn. Examples are evenly spread over those of the class.

    Args:
        images: the examples that were evaluated.
        classes: as in `evaluation.json`: `{"class", "examples", "top1_error", ...}`.

    Returns:
        The picture `classes`; the numbers have `{"class", "examples", "top1_error", "brightness", "dark"}` for each row.

    Raises:
        ValueError: no class has an example.
    """
    rows = worst_first(classes)[:MOST]
    if not rows:
        raise ValueError("No class has an example; expected those of the examples that were evaluated.")
    places = {name: number for number, name in enumerate(images.labels)}
    measured = [_spread(np.flatnonzero(images.origins.labels == places[row["class"]]), MEASURED) for row in rows]
    shown = [_spread(numbers, SHOWN) for numbers in measured]
    drawn = {int(number) for numbers in shown for number in numbers}
    brightness: dict[int, float] = {}
    tiles: dict[int, np.ndarray] = {}
    for batch, numbers in images.batches("Reading classes", {int(number) for each in measured for number in each}):
        pictures = images.image_input.pictures(np.asarray(batch))
        brightness |= zip(np.asarray(numbers).tolist(), pictures.mean(axis=(1, 2, 3), dtype=np.float64).tolist(), strict=True)
        for picture, number in zip(pictures, np.asarray(numbers).tolist(), strict=True):
            if number in drawn:
                tiles[number] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    means = [float(np.mean([brightness[number] for number in numbers.tolist()])) for numbers in measured]
    usual = float(np.median(means))
    found = [
        {key: row[key] for key in ("class", "examples", "top1_error")} | {"brightness": mean, "dark": mean < DARK * usual}
        for row, mean in zip(rows, means, strict=True)
    ]
    blocks = [block([tiles[number] for number in numbers.tolist()], SHOWN, TILE) for numbers in shown]
    headings = [
        f"{row['class']}: top-1 error {row['top1_error']:.1%} of {row['examples']:,}; brightness {row['brightness']:.0f} of 255"
        + (f", dark: the median here is {usual:.0f}" if row["dark"] else "")
        for row in found
    ]
    numbers = {"pictures": ["classes.png"], "median_brightness": usual, "classes": found}
    return Figure("classes", {"classes": sheet(blocks, headings, 1)}, numbers)


def _spread(numbers: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the numbers, evenly spread, in order."""
    return numbers[np.unique(np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round().astype(int))]
