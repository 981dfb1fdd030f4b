"""Beam transforms of prepared shards: the statistics of all images, and images that are in both splits."""

import hashlib
import heapq
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
from PIL import Image

from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.shard_plan import SPLITS

LISTED_IDS = 5  # of one image in one split

# How often an image occurs in each split, and the first of its ids there.
Occurrence = dict[str, tuple[int, list[str]]]


@dataclass
class Sums:
    """Sums over images, in exact integers, so that the order of addition does not matter.

    `pixels`, int64 (side, side, 3), is the sum of the training images, whose number is `images`, and `squares`, int64 (3,), that of the
    squares of their pixels. `classes`, int64 (2, classes), counts the examples of each class in `train` and in `validation`.
    """

    pixels: np.ndarray
    squares: np.ndarray
    classes: np.ndarray
    images: int = 0


class ImageStatistics(beam.CombineFn):
    """Combines shards, given as `(split, path)`, into the statistics of all their images; a shard is read when it is added.

    `side` is that of every image, in pixels. Labels below 0, or not below `classes`, are not counted.
    """

    def __init__(self, side: int, classes: int) -> None:
        self._side, self._classes = side, classes

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

    def merge_accumulators(self, many: Iterable[Sums]) -> Sums:  # noqa: D102
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


class DuplicateImages(beam.PTransform):
    """Turns shards, given as `(split, path)`, into one anomaly for each image that is in both splits.

    Images are equal if their stored squares are, byte for byte. That finds copies of a file, and copies of the same pixels in another
    lossless format or with other metadata. It does not find an image that was scaled or compressed anew, nor the copy of a large JPEG
    in another format, since a large JPEG is decoded at a fraction of its size.
    """

    def expand(self, shards: beam.PCollection) -> beam.PCollection:  # noqa: D102
        return (
            shards
            | "Digest" >> beam.FlatMap(_digests)
            | "Occurrences" >> beam.CombinePerKey(Occurrences())
            | "InBoth" >> beam.FlatMap(lambda keyed: _anomaly(keyed[1]))
        )


class Occurrences(beam.CombineFn):
    """Combines `(split, id)` into counts and the first ids of each split, in the order of ids, in memory that does not grow."""

    def create_accumulator(self) -> Occurrence:  # noqa: D102
        return {split: (0, []) for split in SPLITS}

    def add_input(self, found: Occurrence, place: tuple[str, str]) -> Occurrence:  # noqa: D102
        split, id = place
        count, ids = found[split]
        return found | {split: (count + 1, heapq.nsmallest(LISTED_IDS, [*ids, id]))}

    def merge_accumulators(self, many: Iterable[Occurrence]) -> Occurrence:  # noqa: D102
        many = list(many)
        return {
            split: (sum(found[split][0] for found in many), heapq.nsmallest(LISTED_IDS, [id for found in many for id in found[split][1]]))
            for split in SPLITS
        }

    def extract_output(self, found: Occurrence) -> Occurrence:  # noqa: D102
        return found


def _digests(shard: tuple[str, str]) -> Iterator[tuple[bytes, tuple[str, str]]]:
    """Yields `(digest of the stored image, (split, id))` for every example."""
    split, path = shard
    for example in read_shard(path):
        yield hashlib.sha256(example["image"]).digest(), (split, example["id"])


def _anomaly(found: Occurrence) -> Iterator[dict[str, Any]]:
    if all(count for count, _ in found.values()):
        train, validation = (_listed(*found[split]) for split in SPLITS)
        message = f"The same picture is in train ({train}) and in validation ({validation})."
        yield {"kind": "same_picture", "message": message, **{split: ids for split, (_, ids) in found.items()}}


def _listed(count: int, ids: list[str]) -> str:
    return ", ".join(ids) + (f" and {count - len(ids):,} more" if count > len(ids) else "")
