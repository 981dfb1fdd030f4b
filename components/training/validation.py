"""Losses and errors of the validation examples, while a net trains."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.counted_batches import counted_batches, full_batch_size
from zfnet.components.training.train_step import make_count_step
from zfnet.components.training.training_state import SUMS, means


def make_validate(
    net: keras.Model, strategy: tf.distribute.Strategy, examples: Examples, mean: np.ndarray, batch_size: int
) -> Callable[[], dict[str, float]]:
    """Makes the function that measures a net on the central crops of all validation examples, each once.

    Args:
        net: takes centred images.
        strategy: on whose replicas to run it.
        examples: prepared examples.
        mean: mean of the central crop, float `(size, size, 3)`, values 0..255.
        batch_size: images that the replicas together are given at once, at most.

    Returns:
        Function that returns the mean loss, in nats, and the errors, as fractions 0..1, by name.
    """
    count = examples.count("validation")
    replicas = strategy.num_replicas_in_sync
    batch = full_batch_size(count, max(1, batch_size // replicas), replicas)
    count_step = make_count_step(net, strategy, tf.constant(mean, tf.float32))
    batches = strategy.distribute_datasets_from_function(
        lambda context: counted_batches(examples, "validation", size=mean.shape[0], batch_size=batch, context=context)
    )

    def validate() -> dict[str, float]:
        sums, iterator = tf.zeros(len(SUMS), tf.float64), iter(batches)
        for _ in range(-(-count // batch)):
            sums = count_step(iterator, sums)
        return means(sums)

    return validate
