"""Prepared examples as batches of images: with the paper's crops to train on, or each one once to look at."""

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.model.net.ten_crop import CROPS, crop_corner

FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
}
# Records held to shuffle: all of a small data set, a part of a large one.
SHUFFLED = 20_000


def training_batches(
    examples: Examples, mean, *, size: int, batch_size: int, seed: int, first_epoch: int, epochs: int, crops: str
) -> tf.data.Dataset:
    """Batches to train on, epoch after epoch; what an epoch holds depends on `seed` and its number alone.

    Zeiler & Fergus 2013, section 3: subtract the mean image, then crop.

    Args:
        examples: prepared examples; their split `train` is used.
        mean: mean image, float `(side, side, 3)`, values 0..255.
        size: side of the crops, in pixels.
        batch_size: images a batch; the few that do not fill the last batch of an epoch are left to the other epochs.
        seed: decides order and crops.
        first_epoch: number of the first epoch, counted from 0.
        epochs: number of the epoch to stop before.
        crops: `"ten"`: one of the paper's ten for each image; `"random"`: any place, mirrored or not.

    Returns:
        Data set of pairs: centred float images `(batch_size, size, size, 3)`, about -128..128, and int64 labels.
    """
    mean = tf.constant(mean, tf.float32)
    crop = {"ten": _one_of_ten, "random": _anywhere}[crops]

    def epoch_batches(epoch):
        records = tf.data.TFRecordDataset(examples.shards("train"))
        records = records.shuffle(SHUFFLED, seed=seed * 1_000_003 + epoch, reshuffle_each_iteration=False).enumerate()

        def load(number, record):
            example = tf.io.parse_single_example(record, FEATURES)
            draw = tf.random.stateless_uniform([3], tf.stack([seed + epoch * 2**32, number]), maxval=1 << 30, dtype=tf.int32)
            top, left, mirrored = crop(draw, mean.shape[0], size)
            image = tf.cast(_decode(example["image"], top, left, size), tf.float32) - mean[top : top + size, left : left + size]
            return tf.ensure_shape(tf.where(mirrored, image[:, ::-1], image), (size, size, 3)), example["label"]

        return records.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size, drop_remainder=True)

    return tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch_batches).prefetch(2)


def central_batches(examples: Examples, split: str, *, size: int, batch_size: int, numbers=None) -> tf.data.Dataset:
    """Each example of a split once, in order: its central crop.

    Args:
        examples: prepared examples.
        split: `"train"` or `"validation"`.
        size: side of the crops, in pixels; `examples.side` for the whole images.
        batch_size: images a batch; the last batch may be smaller.
        numbers: numbers of the examples to take, in the order of the split; `None` takes all.

    Returns:
        Data set of triples: float images `(n, size, size, 3)`, values 0..255; int64 labels; int64 numbers in the split.
    """
    margin = (examples.side - size) // 2
    records = tf.data.TFRecordDataset(examples.shards(split)).enumerate()
    count = examples.count(split)
    if numbers is not None:
        wanted, count = tf.constant(sorted(numbers), tf.int64), len(numbers)
        records = records.filter(lambda number, _: tf.reduce_any(wanted == number))

    def load(number, record):
        example = tf.io.parse_single_example(record, FEATURES)
        image = tf.ensure_shape(_decode(example["image"], margin, margin, size), (size, size, 3))
        return tf.cast(image, tf.float32), example["label"], number

    # Keras warns of data sets whose length it has to find out.
    length = tf.data.experimental.assert_cardinality(-(-count // batch_size))
    return records.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).apply(length).prefetch(2)


def read_origins(examples: Examples, split: str) -> tuple[list[str], np.ndarray, list[str]]:
    """Reads where each example of a split comes from, without decoding its image.

    Args:
        examples: prepared examples.
        split: which split.

    Returns:
        Name of the photograph of each example; int64 array `(N, 4)`, the box in it; and the example's id. In the split's order.
    """
    features = {
        "photograph": tf.io.FixedLenFeature([], tf.string),
        "box": tf.io.FixedLenFeature([4], tf.int64),
        "id": tf.io.FixedLenFeature([], tf.string),
    }
    records = tf.data.TFRecordDataset(examples.shards(split)).batch(1024).map(lambda batch: tf.io.parse_example(batch, features))
    parts = list(records.as_numpy_iterator())
    texts = {name: [text.decode() for part in parts for text in part[name]] for name in ("photograph", "id")}
    return texts["photograph"], np.concatenate([part["box"] for part in parts]), texts["id"]


def _decode(encoded, top, left, size):
    return tf.io.decode_and_crop_jpeg(encoded, tf.stack([top, left, size, size]), channels=3, dct_method="INTEGER_ACCURATE")


def _one_of_ten(draw, side, size):
    index = draw[0] % CROPS
    return *crop_corner(index, side, size), index >= CROPS // 2


def _anywhere(draw, side, size):
    return draw[0] % (side - size + 1), draw[1] % (side - size + 1), draw[2] % 2 == 1
