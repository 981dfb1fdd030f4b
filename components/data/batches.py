"""Prepared examples as batches of images, each of them once."""

import sys
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples

FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
}


class Origins(NamedTuple):
    """Where the examples of a split come from, in the split's order.

    Attributes:
        photographs: the name of each one's photograph.
        boxes: int64 `(N, 4)`, its box there: top, left, bottom, right, in pixels.
        ids: the id of each.
        labels: int64 `(N,)`, the number of its class.
    """

    photographs: list[str]
    boxes: np.ndarray
    ids: list[str]
    labels: np.ndarray


def central_batches(
    examples: Examples, split: str, *, size: int, batch_size: int, numbers: set[int] | None = None, most: int | None = None
) -> tf.data.Dataset:
    """Each example of a split once, in order: its central crop.

    Args:
        examples: prepared examples.
        split: `"train"` or `"validation"`.
        size: side of the crops, in pixels; `examples.side` for the whole images.
        batch_size: images a batch; the last batch may be smaller.
        numbers: numbers of the examples to take, in the order of the split; `None` takes all.
        most: how many examples of the split, from the first, to read at most; `None` reads all.

    Returns:
        Data set of triples: float images `(n, size, size, 3)`, values 0..255; int64 labels; int64 numbers in the split.
    """
    margin = (examples.side - size) // 2
    count = min(examples.count(split), most or sys.maxsize)
    records = tf.data.TFRecordDataset(examples.shards(split)).take(count).enumerate()
    if numbers is not None:
        wanted, count = tf.constant(sorted(numbers), tf.int64), len(numbers)
        records = records.filter(lambda number, _: tf.reduce_any(wanted == number))

    def load(number, record):
        example = tf.io.parse_single_example(record, FEATURES)
        image = tf.ensure_shape(decode_crop(example["image"], margin, margin, size), (size, size, 3))
        return tf.cast(image, tf.float32), example["label"], number

    # Keras warns of data sets whose length it has to find out.
    length = tf.data.experimental.assert_cardinality(-(-count // batch_size))
    return records.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).apply(length).prefetch(2)


def decode_crop(encoded: tf.Tensor, top: tf.Tensor, left: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes a square of a JPEG and nothing else: uint8 `(size, size, 3)` from `top` and `left`, in pixels."""
    return tf.io.decode_and_crop_jpeg(encoded, tf.stack([top, left, size, size]), channels=3, dct_method="INTEGER_ACCURATE")


def read_origins(examples: Examples, split: str, most: int | None = None) -> Origins:
    """Reads where each example of a split comes from, without decoding its image.

    Args:
        examples: prepared examples.
        split: which split.
        most: how many examples of the split, from the first, to read at most; `None` reads all.

    Returns:
        Photographs, boxes, ids and labels.
    """
    features = {
        "photograph": tf.io.FixedLenFeature([], tf.string),
        "box": tf.io.FixedLenFeature([4], tf.int64),
        "id": tf.io.FixedLenFeature([], tf.string),
        "label": FEATURES["label"],
    }
    records = tf.data.TFRecordDataset(examples.shards(split)).take(most or sys.maxsize).batch(1024)
    parts = list(records.map(lambda batch: tf.io.parse_example(batch, features)).as_numpy_iterator())
    texts = {name: [text.decode() for part in parts for text in part[name]] for name in ("photograph", "id")}
    boxes, labels = (np.concatenate([part[name] for part in parts]) for name in ("box", "label"))
    return Origins(texts["photograph"], boxes, texts["id"], labels)
