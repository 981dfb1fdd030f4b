"""The images that training and test images are drawn from: both splits of prepared examples, numbered through."""

import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import FEATURES, central_crops, read_origins

SPLITS = ("train", "validation")


@dataclass(frozen=True, eq=False)
class Candidates:
    """Both splits, one after the other: an image's number is its place in that order.

    Args:
        examples: prepared examples.
        labels: int64 `(N,)`, classes.
        ids: their ids.
        train_count: how many are of the split `train`; they come first.
    """

    examples: Examples
    labels: np.ndarray
    ids: list[str]
    train_count: int

    @classmethod
    def of(cls, examples: Examples) -> "Candidates":
        """Reads labels and ids; no image is decoded.

        Raises:
            ValueError: a split is missing.
        """
        there = examples.read_json("manifest.json")["splits"]
        if missing := [split for split in SPLITS if not there.get(split, {}).get("examples")]:
            raise ValueError(
                f"The examples have no split {missing[0]!r}: training images are drawn from train, test images from validation."
            )
        labels = np.concatenate([_labels(examples, split) for split in SPLITS])
        ids = [id for split in SPLITS for id in read_origins(examples, split)[2]]
        return cls(examples, labels, ids, examples.count("train"))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_train(self) -> np.ndarray:
        """bool `(N,)`: whether an image is of the split `train`."""
        return np.arange(len(self)) < self.train_count

    def batches(self, numbers: ArrayLike, size: int, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Decodes images, each once, in the order of their numbers whatever that of `numbers`.

        Args:
            numbers: of the images.
            size: side of their central crop, in pixels.
            batch_size: images at once, at most.

        Yields:
            float32 images `(n, size, size, 3)`, values 0..255, and their numbers `(n,)`.
        """
        for split, start, within in self._by_split(numbers):
            found = central_crops(self.examples, split, size=size, batch_size=batch_size, numbers=within)
            for images, _, places in found.as_numpy_iterator():
                yield images, places + start

    def write_subset(self, numbers: ArrayLike, directory: pathlib.Path) -> Examples:
        """Writes some of them as examples of their own, all in the split `train`; records are copied as they are.

        Args:
            numbers: of the images.
            directory: is made.

        Returns:
            What was written.
        """
        directory.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(directory / "train")) as writer:
            for split, _, within in self._by_split(numbers):
                for number, record in enumerate(tf.data.TFRecordDataset(self.examples.shards(split)).as_numpy_iterator()):
                    if number in within:
                        writer.write(record)
        manifest = self.examples.read_json("manifest.json")
        kept = {name: manifest[name] for name in ("labels", "side", "image_size")}
        count = len(set(np.asarray(numbers).tolist()))
        split = {"examples": count, "shards": [{"file": "train", "examples": count}]}
        (directory / "manifest.json").write_text(json.dumps(kept | {"splits": {"train": split}}))
        return Examples(directory)

    def _by_split(self, numbers: ArrayLike) -> Iterator[tuple[str, int, set[int]]]:
        numbers = np.asarray(numbers)
        train = numbers < self.train_count
        for split, start, chosen in zip(SPLITS, (0, self.train_count), (train, ~train), strict=True):
            if chosen.any():
                yield split, start, set((numbers[chosen] - start).tolist())


def _labels(examples: Examples, split: str) -> np.ndarray:
    feature = {"label": FEATURES["label"]}
    records = tf.data.TFRecordDataset(examples.shards(split)).batch(1024).map(lambda batch: tf.io.parse_example(batch, feature)["label"])
    return np.concatenate(list(records.as_numpy_iterator()))
