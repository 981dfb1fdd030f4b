"""Sums over images, exact in integers and so the same in whatever order they are added."""

import io
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
from PIL import Image

from zfnet.components.data.examples.shard import read_shard

SPLITS = ("train", "validation")


@dataclass
class Sums:
    """What was added up so far.

    Args:
        pixels: int64 (side, side, 3), the sum of the training images.
        squares: int64 (3,), the sum of the squares of their pixels.
        classes: int64 (2, classes), examples of each class in `train` and in `validation`.
        images: the number of training images.
    """

    pixels: np.ndarray
    squares: np.ndarray
    classes: np.ndarray
    images: int = 0


class ImageStatistics(beam.CombineFn):
    """Combines shards, given as `(split, path)`, into the statistics of all their images; a shard is read when it is added.

    Args:
        side: side of every image, pixels.
        classes: the number of classes; other labels are not counted.
    """

    def __init__(self, side: int, classes: int) -> None:
        self._side = side
        self._classes = classes

    def create_accumulator(self) -> Sums:  # noqa: D102
        square = (self._side, self._side, 3)
        return Sums(np.zeros(square, np.int64), np.zeros(3, np.int64), np.zeros((len(SPLITS), self._classes), np.int64))

    def add_input(self, sums: Sums, shard: tuple[str, str]) -> Sums:  # noqa: D102
        split, path = shard
        for example in read_shard(path):
            if 0 <= example["label"] < self._classes:
                sums.classes[SPLITS.index(split), example["label"]] += 1
            if split == "train":
                with Image.open(io.BytesIO(example["image"])) as image:
                    pixels = np.asarray(image)
                sums.pixels += pixels
                sums.squares += np.square(pixels, dtype=np.uint32).sum(axis=(0, 1), dtype=np.int64)
                sums.images += 1
        return sums

    def merge_accumulators(self, many: list[Sums]) -> Sums:  # noqa: D102
        total = self.create_accumulator()
        for sums in many:
            total.pixels += sums.pixels
            total.squares += sums.squares
            total.classes += sums.classes
            total.images += sums.images
        return total

    def extract_output(self, sums: Sums) -> dict[str, Any]:
        """The mean image (float32) and, as lists, the counts of the classes and the mean and standard deviation of the channels."""
        pixels = sums.images * self._side**2
        mean = sums.pixels.sum(axis=(0, 1)) / pixels
        variance = np.maximum(sums.squares / pixels - mean**2, 0)  # rounding must not make that of one colour negative
        return {
            "mean_image": (sums.pixels / sums.images).astype(np.float32),
            "classes": {split: counts.tolist() for split, counts in zip(SPLITS, sums.classes, strict=True)},
            "channels": {"mean": mean.tolist(), "std": np.sqrt(variance).tolist()},
        }
