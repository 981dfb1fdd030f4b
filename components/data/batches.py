"""Prepared examples as batches of images, each example exactly once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.damage import named_damage
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.progress import progress

_TEXT, _NUMBER = tf.io.FixedLenFeature([], tf.string), tf.io.FixedLenFeature([], tf.int64)
FEATURES = {"image": _TEXT, "label": _NUMBER}
ORIGIN_FEATURES = {"photograph": _TEXT, "box": tf.io.FixedLenFeature([4], tf.int64), "id": _TEXT, "label": _NUMBER}
# Pixels of the images that go through the net together, so that the activations of large ones fit into memory too.
PIXELS = 64 * 96 * 96


class Origins(NamedTuple):
    """Origins of a split's examples, in its order: photographs' names, images' boxes there, examples' ids, and class indices.

    `boxes` is int64 `(N, 4)`: top, left, bottom, right, in pixels; `labels` is int64 `(N,)`.
    """

    photographs: list[str]
    boxes: np.ndarray
    ids: list[str]
    labels: np.ndarray


def central_crops(
    examples: Examples, split: str, *, size: int, batch_size: int, numbers: set[int] | None = None, most: int | None = None
) -> tf.data.Dataset:
    """Batches of the central crops of the examples of a split, `train` or `validation`, each once and in order.

    `size` is the side of the crops, in pixels, `examples.side` for whole images. The last batch may hold fewer than `batch_size` images.
    `numbers` are those of the examples to take, in the order of the split, and `most` is the number of examples, from the first, to read at
    most; None takes all.

    Returns:
        Data set of triples: float images `(n, size, size, 3)`, values 0..255; int64 labels; int64 numbers in the split.

    Examples:
        >>> images, labels, numbers = next(iter(central_crops(examples, "validation", size=96, batch_size=2)))
        >>> images.shape, numbers.numpy().tolist()
        (TensorShape([2, 96, 96, 3]), [0, 1])
    """
    count = min(examples.count(split), most) if most else examples.count(split)
    records = tf.data.TFRecordDataset(examples.shards(split)).take(count).enumerate()
    if numbers is not None:
        is_wanted, count = np.zeros(max(numbers, default=-1) + 1, bool), len(numbers)
        is_wanted[list(numbers)] = True
        known = tf.constant(is_wanted)  # Not the numbers, with which each record would be compared.
        records = records.take(len(is_wanted)).filter(lambda number, _: known[number])

    def load(number, record):
        return *_central_crop(record, examples.side, size), number

    # Keras warns of data sets whose length it has to find out.
    length = tf.data.experimental.assert_cardinality(-(-count // batch_size))
    return records.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).apply(length).prefetch(2)


def decode_crop(encoded: tf.Tensor, top: tf.Tensor, left: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes one square of a JPEG alone: uint8 `(size, size, 3)` from `top` and `left`, in pixels."""
    return tf.io.decode_and_crop_jpeg(encoded, tf.stack([top, left, size, size]), channels=3, dct_method="INTEGER_ACCURATE")


def _central_crop(record: tf.Tensor, side: int, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Float image `(size, size, 3)` and label of a record, whose image has the given side."""
    example, margin = tf.io.parse_single_example(record, FEATURES), (side - size) // 2
    image = tf.ensure_shape(decode_crop(example["image"], margin, margin, size), (size, size, 3))
    return tf.cast(image, tf.float32), example["label"]


def read_origins(examples: Examples, split: str, most: int | None = None) -> Origins:
    """Reads the origins of a split's examples without decoding their images; `most` as in `central_crops`."""
    records = tf.data.TFRecordDataset(examples.shards(split)).take(most or -1).batch(1024)
    ids: list[str] = []
    photographs: list[str] = []
    names: dict[bytes, str] = {}  # Of photographs that several images were cut from: equal texts are one object, and take memory once.
    numbers: dict[str, list[np.ndarray]] = {"box": [], "label": []}
    with named_damage(examples):
        for part in records.map(lambda batch: tf.io.parse_example(batch, ORIGIN_FEATURES)).as_numpy_iterator():
            for id, photograph in zip(part["id"], part["photograph"], strict=True):
                ids.append(id.decode())
                photographs.append(ids[-1] if photograph == id else names.setdefault(photograph, photograph.decode()))
            for name, found in numbers.items():
                found.append(part[name])
    return Origins(photographs, np.concatenate(numbers["box"]), ids, np.concatenate(numbers["label"]))


def padded_batches(
    examples: Examples, split: str, *, size: int, batch_size: int, context: tf.distribute.InputContext | None = None
) -> tf.data.Dataset:
    """Batches of central crops as in `central_crops`, padded with black images, so that any number of replicas can share them.

    `batch_size` counts the images of a step, over all replicas. `context` is the input pipeline whose part of every batch is wanted; None
    takes the whole.

    Returns:
        Data set of triples: float images `(n, size, size, 3)`, values 0..255; int64 labels; and bools, false for padding. n is the share
        of one replica; every replica has the same number of batches.
    """
    context = context or tf.distribute.InputContext()
    count = examples.count(split)
    steps, pipelines = -(-count // batch_size), context.num_input_pipelines
    share = batch_size // pipelines
    first = context.input_pipeline_id * share
    own = count // batch_size * share + min(max(count % batch_size - first, 0), share)

    def load(_, record):
        return *_central_crop(record, examples.side, size), True

    records = own_shard(tf.data.TFRecordDataset(examples.shards(split)).enumerate(), batch_size, context)
    filling = tf.data.Dataset.from_tensors((tf.zeros((size, size, 3)), tf.constant(0, tf.int64), False)).repeat(steps * share - own)
    batches = records.map(load, num_parallel_calls=tf.data.AUTOTUNE).concatenate(filling)
    return batches.batch(batch_size // context.num_replicas_in_sync, drop_remainder=True).prefetch(2)


def padded_batch_size(examples: int, largest: int, replicas: int) -> int:
    """Examples a batch: a multiple of `replicas`, such that the fewest possible batches have as little padding as possible.

    `largest` is the most examples that one replica takes at once.

    Examples:
        >>> padded_batch_size(100, 64, 1), padded_batch_size(17, 64, 2)
        (50, 18)
    """
    batches = -(-examples // (largest * replicas))
    return -(-examples // (batches * replicas)) * replicas


def own_shard(numbered: tf.data.Dataset, batch_size: int, context: tf.distribute.InputContext) -> tf.data.Dataset:
    """Selects the records of one input pipeline: the pipelines take equal parts of every batch, in their order.

    `numbered` holds pairs, number and record. `batch_size`, over all pipelines, is divisible by their number.
    """
    if context.num_input_pipelines == 1:
        return numbered
    share = batch_size // context.num_input_pipelines
    return numbered.filter(lambda number, _: number % batch_size // share == context.input_pipeline_id)


def model_batches(
    examples: Examples, split: str, image_input: ImageInput, title: str, *, numbers: set[int] | None = None, most: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the images of `central_crops` as `strongest_activations` and `project_strongest` take them, with a progress bar.

    Each batch is float images in the model's layout, values 0..255, and their numbers in the split. The examples must have been prepared
    for the model's larger side. `title` is that of the progress bar; `numbers` and `most` are as in `central_crops`.
    """
    batch_size = model_batch_size(image_input)
    found = central_crops(examples, split, size=image_input.side, batch_size=batch_size, numbers=numbers, most=most)
    with named_damage(examples):
        for images, _, places in progress(found.as_numpy_iterator(), len(found), title):
            yield image_input.to_model_layout(image_input.crop(images)), places


def model_batch_size(image_input: ImageInput) -> int:
    """Images that a model is given at once: a power of two, so that images are recorded in batches of few sizes."""
    fitting = max(1, PIXELS // (image_input.height * image_input.width))
    return 1 << (fitting.bit_length() - 1)
