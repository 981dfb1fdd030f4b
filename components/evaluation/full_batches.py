"""Batches that are all full, so that replicas share each of them evenly."""

from collections.abc import Sequence

import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_batches


def full_batch_size(examples: int, largest: int, replicas: int) -> int:
    """Examples a batch: a multiple of `replicas`, such that the fewest possible batches have as little padding as possible.

    Args:
        examples: how many there are.
        largest: how many a replica may be given at once.
        replicas: how many share a batch.

    Example:
        >>> full_batch_size(100, 64, 1), full_batch_size(17, 64, 2)
        (50, 18)
    """
    batches = -(-examples // (largest * replicas))
    return -(-examples // (batches * replicas)) * replicas


def full_batches(images: Sequence[tuple[Examples, int]], split: str, batch_size: int) -> tf.data.Dataset:
    """The examples of a split once, in order, cut in one or several ways; the last batch is filled up with black images.

    Args:
        images: for each way, prepared examples and the side of the central crops, in pixels. Examples of the same photographs prepared in
            different sizes go in step; see `refuse_different_examples`.
        split: which split.
        batch_size: examples a batch.

    Returns:
        Data set of triples: a tuple with, for each way, float images `(batch_size, size, size, 3)`, values 0..255; int64 labels; and
        bools, false for what the last batch is filled up with.
    """
    cut = [central_batches(examples, split, size=size, batch_size=batch_size) for examples, size in images]

    def fill(*parts):
        count = tf.shape(parts[0][1])[0]
        missing = batch_size - count

        def filled(tensor):
            padded = tf.pad(tensor, [[0, missing], *[[0, 0]] * (tensor.shape.rank - 1)])
            return tf.ensure_shape(padded, (batch_size, *tensor.shape[1:]))

        return tuple(filled(each[0]) for each in parts), filled(parts[0][1]), tf.range(batch_size) < count

    return tf.data.Dataset.zip(tuple(cut)).map(fill).prefetch(2)
