"""The images that training and test images are drawn from, and the draws: some images of each class, anew for each fold."""

import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.data.damage import named_damage

SPLITS = ("train", "validation")


class Candidates:
    """Both splits of prepared examples, one after the other: an image's number is its place in that order.

    Attributes:
        labels, ids: int64 `(N,)`, the class of each image, and its id.
        is_train: bool `(N,)`, whether an image is in the split `train`; these come first.

    Raises:
        ValueError: a split is missing.
    """

    def __init__(self, examples: Examples) -> None:
        there = examples.read_json("manifest.json")["splits"]
        if missing := [split for split in SPLITS if not there.get(split, {}).get("examples")]:
            raise ValueError(
                f"The examples have no split {missing[0]!r}: training images are drawn from train, test images from validation."
            )
        origins = [read_origins(examples, split) for split in SPLITS]
        self.examples = examples
        self.labels = np.concatenate([each.labels for each in origins])
        self.ids = [id for each in origins for id in each.ids]
        self.is_train = np.arange(len(self)) < examples.count("train")

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, numbers: np.ndarray, size: int, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Decodes central crops of `size` pixels a side, each once, in the order of their numbers, whatever the order of `numbers`.

        Yields at most `batch_size` images at once, float32 `(n, size, size, 3)`, values 0..255, and their numbers `(n,)`.
        """
        for split, start, within in self._by_split(numbers):
            found = central_crops(self.examples, split, size=size, batch_size=batch_size, numbers=within)
            with named_damage(self.examples):
                for images, _, places in found.as_numpy_iterator():
                    yield images, places + start

    def write_subset(self, numbers: np.ndarray, directory: pathlib.Path) -> Examples:
        """Writes images as examples in a new directory, all in the split `train`; records are copied as they are."""
        directory.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(directory / "train")) as writer, named_damage(self.examples):
            for split, _, within in self._by_split(numbers):
                for number, record in enumerate(tf.data.TFRecordDataset(self.examples.shards(split)).as_numpy_iterator()):
                    if number in within:
                        writer.write(record)
        manifest = self.examples.read_json("manifest.json")
        kept = {name: manifest[name] for name in ("labels", "side", "image_size")}
        count = len(np.unique(numbers))
        split = {"examples": count, "shards": [{"file": "train", "examples": count}]}
        (directory / "manifest.json").write_text(json.dumps(kept | {"splits": {"train": split}}))
        return Examples(directory)

    def _by_split(self, numbers: np.ndarray) -> Iterator[tuple[str, int, set[int]]]:
        numbers, first_of_validation = np.asarray(numbers), int(self.is_train.sum())
        train = numbers < first_of_validation
        for split, start, chosen in zip(SPLITS, (0, first_of_validation), (train, ~train), strict=True):
            if chosen.any():
                yield split, start, set((numbers[chosen] - start).tolist())


class Fold(NamedTuple):
    """One draw.

    Attributes:
        train: int array `(classes, most)`, numbers of the training images; the first n columns are the draw of n images a class.
        test: int array `(T,)`, numbers of the test images.
    """

    train: np.ndarray
    test: np.ndarray


def draw_folds(
    labels: np.ndarray, trainable: np.ndarray, testable: np.ndarray, names: Sequence[str], *, most: int, test: int, folds: int, seed: int
) -> list[Fold]:
    """Draws the folds; no image is both in training and in test of one fold.

    Zeiler & Fergus 2013, section 5.2: 15, 30, ... training images a class, up to 50 test images a class, over 5 folds.

    Args:
        labels: int array `(N,)`, the class of each image; `names` are those of the classes.
        trainable, testable: bool arrays `(N,)`, the images that training and the test may draw.
        most: training images a class.
        test: test images a class, at most.
        seed: decides the draw of each fold independently: a larger number of folds begins with the same ones.

    Raises:
        ValueError: a class has too few images to train on, or none to test, or there are fewer than two classes.
    """
    if len(names) < 2:
        raise ValueError(f"There {'is 1 class' if len(names) == 1 else 'are no classes'}; expected two at least.")
    drawn = []
    for fold in range(folds):
        random = np.random.default_rng([seed, fold])
        train, tested = [], []
        for label, name in enumerate(names):
            known = random.permutation(np.flatnonzero(trainable & (labels == label)))
            if len(known) < most:
                raise ValueError(f"Class {name!r} has {len(known)} images to train on, fewer than {most}: give smaller --per-class.")
            train.append(known[:most])
            new = random.permutation(np.setdiff1d(np.flatnonzero(testable & (labels == label)), known[:most]))
            if not len(new):
                raise ValueError(f"Class {name!r} has no image left to test: give a smaller --per-class, or more photographs.")
            tested.append(new[:test])
        drawn.append(Fold(np.stack(train), np.concatenate(tested)))
    return drawn
