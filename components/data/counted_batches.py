"""Batches that are all full, so that any number of replicas share each of them evenly, and no example is counted twice or left out."""

import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import FEATURES, decode_crop
from zfnet.components.data.own_share import own_share


def counted_batches(
    examples: Examples, split: str, *, size: int, batch_size: int, context: tf.distribute.InputContext | None = None
) -> tf.data.Dataset:
    """Each example of a split once, in batches that are filled up, so that any number of replicas can share them.

    Args:
        examples: prepared examples.
        split: `"train"` or `"validation"`.
        size: side of the central crops, in pixels; `examples.side` for the whole images.
        batch_size: images a step, over all replicas.
        context: whose part of every batch this is; without it the whole.

    Returns:
        Data set of triples: float images `(n, size, size, 3)`, values 0..255; int64 labels; and bools, false for the black images that
        only fill up. n is the share of one replica; every replica has equally many batches.
    """
    context = context or tf.distribute.InputContext()
    count, margin = examples.count(split), (examples.side - size) // 2
    steps, pipelines = -(-count // batch_size), context.num_input_pipelines
    share = batch_size // pipelines
    first = context.input_pipeline_id * share
    own = count // batch_size * share + min(max(count % batch_size - first, 0), share)

    def load(_, record):
        example = tf.io.parse_single_example(record, FEATURES)
        image = tf.ensure_shape(decode_crop(example["image"], margin, margin, size), (size, size, 3))
        return tf.cast(image, tf.float32), example["label"], True

    records = own_share(tf.data.TFRecordDataset(examples.shards(split)).enumerate(), batch_size, context)
    filling = tf.data.Dataset.from_tensors((tf.zeros((size, size, 3)), tf.constant(0, tf.int64), False)).repeat(steps * share - own)
    batches = records.map(load, num_parallel_calls=tf.data.AUTOTUNE).concatenate(filling)
    return batches.batch(batch_size // context.num_replicas_in_sync, drop_remainder=True).prefetch(2)


def full_batch_size(examples: int, largest: int, replicas: int) -> int:
    """Examples a batch: a multiple of `replicas`, such that the fewest possible batches have as little padding as possible.

    Args:
        examples: how many there are.
        largest: how many a replica may be given at once.
        replicas: how many share a batch.

    Examples:
        >>> full_batch_size(100, 64, 1), full_batch_size(17, 64, 2)
        (50, 18)
    """
    batches = -(-examples // (largest * replicas))
    return -(-examples // (batches * replicas)) * replicas
