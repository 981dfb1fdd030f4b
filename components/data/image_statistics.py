"""Statistics of all prepared images: the mean image, counts, sizes of the photographs and brightness of the classes."""

import collections
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
from PIL import Image

from zfnet.components.data.brightness import brightness_of
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.shard_plan import SPLITS


def _counters() -> dict[str, collections.Counter]:
    return {split: collections.Counter() for split in SPLITS}


@dataclass
class Sums:
    """Sums over images, in exact integers, so that the order of addition does not matter.

    `pixels`, int64 (side, side, 3), is the sum of the training images, whose number is `images`, and `squares`, int64 (3,), that of the
    squares of their pixels. `classes`, int64 (2, classes), counts the examples of each class in `train` and in `validation`, and `levels`,
    int64 (classes, 256), the grey levels of the training pixels. By split, `sizes` counts the sides that were cut out of the photographs,
    in pixels, and `aspects` counts the ratios of width to height of whole photographs, in hundredths.
    """

    pixels: np.ndarray
    squares: np.ndarray
    classes: np.ndarray
    levels: np.ndarray
    sizes: dict[str, collections.Counter] = field(default_factory=_counters)
    aspects: dict[str, collections.Counter] = field(default_factory=_counters)
    images: int = 0


class ImageStatistics(beam.CombineFn):
    """Combines shards, given as `(split, path)`, into the statistics of all their images; a shard is read when it is added.

    `side` is that of every image, in pixels. Labels below 0, or not below `classes`, are not counted.
    """

    def __init__(self, side: int, classes: int) -> None:
        self._side, self._classes = side, classes

    def create_accumulator(self) -> Sums:  # noqa: D102
        square = (self._side, self._side, 3)
        counts = np.zeros((len(SPLITS), self._classes), np.int64)
        return Sums(np.zeros(square, np.int64), np.zeros(3, np.int64), counts, np.zeros((self._classes, 256), np.int64))

    def add_input(self, sums: Sums, shard: tuple[str, str]) -> Sums:  # noqa: D102
        split, path = shard
        for example in read_shard(path):
            label = example["label"]
            known = 0 <= label < self._classes
            if known:
                sums.classes[SPLITS.index(split), label] += 1
            _add_size(sums, split, example)
            if split == "train":
                with Image.open(io.BytesIO(example["image"])) as image:
                    pixels = np.asarray(image)
                    levels = image.convert("L").histogram() if known else None
                sums.pixels += pixels
                sums.squares += np.square(pixels, dtype=np.uint32).sum(axis=(0, 1), dtype=np.int64)
                sums.images += 1
                if levels is not None:
                    sums.levels[label] += levels
        return sums

    def merge_accumulators(self, many: Iterable[Sums]) -> Sums:  # noqa: D102
        total = self.create_accumulator()
        for sums in many:
            total.pixels += sums.pixels
            total.squares += sums.squares
            total.classes += sums.classes
            total.levels += sums.levels
            total.images += sums.images
            for split in SPLITS:
                total.sizes[split].update(sums.sizes[split])
                total.aspects[split].update(sums.aspects[split])
        return total

    def extract_output(self, sums: Sums) -> dict[str, Any]:
        """The mean image (float32) and, as lists and numbers, everything that `generate_statistics` writes to `statistics.json`."""
        pixels = sums.images * self._side**2
        mean = sums.pixels.sum(axis=(0, 1)) / pixels
        variance = np.maximum(sums.squares / pixels - mean**2, 0)  # rounding must not make that of one colour negative
        return {
            "mean_image": (sums.pixels / sums.images).astype(np.float32),
            "classes": {split: counts.tolist() for split, counts in zip(SPLITS, sums.classes, strict=True)},
            "channels": {"mean": mean.tolist(), "std": np.sqrt(variance).tolist()},
            "sizes": {split: self._sizes(sums.sizes[split], sums.aspects[split]) for split in SPLITS},
            "brightness": [brightness_of(levels) for levels in sums.levels],
        }

    def _sizes(self, sizes: collections.Counter, aspects: collections.Counter) -> dict[str, Any] | None:
        if not sizes:
            return None
        enlarged = sum(number for size, number in sizes.items() if size < self._side)
        return {
            "shorter_side": _ends_and_median(sizes, 1),
            "enlarged": enlarged / sizes.total(),
            "aspect": _ends_and_median(aspects, 100) if aspects else None,
        }


def _add_size(sums: Sums, split: str, example: dict) -> None:
    """Counts the size of a photograph, which its central square tells: the margins on both sides of the square are equal.

    The longer side is exact, or 1 pixel too short. The margins of a patch of a larger photograph tell nothing of its shape.
    """
    top, left, bottom, right = example["box"]
    sums.sizes[split][min(bottom - top, right - left)] += 1
    if example["photograph"] == example["id"] and top + bottom > 0:
        sums.aspects[split][round(100 * (left + right) / (top + bottom))] += 1


def _ends_and_median(counts: collections.Counter, unit: int) -> dict[str, float]:
    """The least, the median (the lower of two) and the largest of values in units of 1 / `unit`, given how often each occurs."""
    values = sorted(counts)
    below = np.cumsum([counts[value] for value in values])
    found = {"min": values[0], "median": values[int(np.searchsorted(below, (below[-1] + 1) // 2))], "max": values[-1]}
    return {name: value if unit == 1 else value / unit for name, value in found.items()}
