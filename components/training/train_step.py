"""One step of training and one pass of validation, on all replicas of a strategy."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import padded_batch_size, padded_batches
from zfnet.components.evaluation.errors import count_errors

SUMS = ("loss", "top1_error", "top5_error", "examples")
NEVER = -1


class Totals(NamedTuple):
    """Numbers of the steps of an epoch so far, on the devices until somebody reads them.

    Args:
        sums: float64 `(4,)`, in the order of `SUMS`.
        diverged_at: int64, the first step, counted from the beginning of the training, with loss, gradients or weights that were no
            finite numbers; `NEVER` if there is none.
    """

    sums: tf.Tensor
    diverged_at: tf.Tensor


def no_totals() -> Totals:
    """The totals before the first step of an epoch."""
    return Totals(tf.zeros(len(SUMS), tf.float64), tf.constant(NEVER, tf.int64))


def means(sums: tf.Tensor) -> dict[str, float]:
    """Means by name, from the sums of loss, errors and examples; NaN if there was no example."""
    *values, examples = (float(value) for value in sums)
    return {name: value / examples if examples else math.nan for name, value in zip(SUMS[:-1], values, strict=True)}


def make_train_step(
    net: keras.Model,
    strategy: tf.distribute.Strategy,
    batch_size: int,
    xla: bool = False,
    centre: Callable[[Any], tf.Tensor] | None = None,
) -> Callable:
    """Makes the function that trains a net on one batch.

    The gradient is that of the mean loss over the whole batch, however many replicas share it. Dropout depends on the seed, the step and
    the replica alone, so that a resumed training drops the same units. With `xla`, XLA compiles each replica's forward and backward pass.

    Args:
        net: compiled with an optimizer, in the strategy's scope.
        batch_size: images a step, over all replicas.
        centre: makes of the images of a batch what the net takes, on its device; `None`: they are that already.

    Returns:
        Function of an iterator over distributed batches, the `Totals` so far and the number of the step, counted from the beginning of
        the training, an int64 tensor; it returns the new totals.
    """
    generators = [variable for variable in net.variables if "seed_generator_state" in variable.path]
    seeds = [int(variable.numpy()[0]) for variable in generators]
    replicas = strategy.num_replicas_in_sync

    def differentiate(images, labels):
        with tf.GradientTape() as tape:
            predictions = net(images, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(labels, predictions)
            loss = tf.reduce_sum(losses) / batch_size
        gradients = tape.gradient(loss, [variable.value for variable in net.trainable_variables])
        finite = tf.math.is_finite(loss) & tf.math.is_finite(tf.linalg.global_norm(gradients))
        return gradients, _sums(labels, predictions, losses, tf.ones_like(losses, tf.bool)), finite

    if xla:
        differentiate = tf.function(differentiate, jit_compile=True, autograph=False)

    def on_replica(images, labels, step):
        replica = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int64)
        for variable, seed in zip(generators, seeds, strict=True):
            variable.assign(tf.stack([tf.constant(seed, tf.int64), step * replicas + replica]))
        gradients, sums, finite = differentiate(images if centre is None else centre(images), labels)
        net.optimizer.apply(gradients, net.trainable_variables)
        # Not the loss alone: where a ReLU turns NaN into 0, it stays finite, and so do the gradients.
        finite &= tf.math.is_finite(tf.linalg.global_norm([variable.value for variable in net.trainable_variables]))
        # One vector, so that replicas exchange it at once.
        return tf.concat([sums, [tf.cast(~finite, tf.float64)]], axis=0)

    @tf.function(autograph=False)
    def train_step(batches, totals, step):
        images, labels = next(batches)
        reduced = strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(on_replica, args=(images, labels, step)), axis=None)
        diverges_first = (reduced[-1] > 0) & (totals.diverged_at == NEVER)
        return Totals(totals.sums + reduced[:-1], tf.where(diverges_first, step, totals.diverged_at))

    return train_step


def make_count_step(net: keras.Model, strategy: tf.distribute.Strategy, mean: tf.Tensor) -> Callable:
    """Makes the function that counts a net's errors on one batch without changing the net.

    The net takes centred images: `mean`, float `(size, size, 3)`, values 0..255, is subtracted from those of the batch.

    Returns:
        Function of an iterator over distributed batches, as `padded_batches` gives them, and the sums so far (see `Totals`); it returns
        the new sums.
    """

    def on_replica(images, labels, counted):
        predictions = net(images - mean, training=False)
        return _sums(labels, predictions, keras.losses.sparse_categorical_crossentropy(labels, predictions), counted)

    @tf.function(autograph=False)
    def count_step(batches, sums):
        return sums + strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(on_replica, args=next(batches)), axis=None)

    return count_step


def _sums(labels, predictions, losses, counted):
    # Not by multiplication: the examples that only fill a batch up may score NaN.
    loss = tf.reduce_sum(tf.where(counted, tf.cast(losses, tf.float64), 0))
    errors, examples = count_errors(labels, predictions, counted), tf.reduce_sum(tf.cast(counted, tf.float64))
    return tf.concat([[loss], tf.cast(errors, tf.float64), [examples]], axis=0)


def make_validate(
    net: keras.Model, strategy: tf.distribute.Strategy, examples: Examples, mean: np.ndarray, batch_size: int
) -> Callable[[], dict[str, float]]:
    """Makes the function that measures a net on the central crops of all validation examples, each once; see `make_count_step`.

    At most `batch_size` images over all replicas are measured at once; `mean` is that of the central crop. The function returns the mean
    loss, in nats, and the errors, as fractions 0..1, by name.
    """
    count = examples.count("validation")
    replicas = strategy.num_replicas_in_sync
    batch = padded_batch_size(count, max(1, batch_size // replicas), replicas)
    count_step = make_count_step(net, strategy, tf.constant(mean, tf.float32))
    batches = strategy.distribute_datasets_from_function(
        lambda context: padded_batches(examples, "validation", size=mean.shape[0], batch_size=batch, context=context)
    )

    def validate() -> dict[str, float]:
        sums, iterator = tf.zeros(len(SUMS), tf.float64), iter(batches)
        for _ in range(-(-count // batch)):
            sums = count_step(iterator, sums)
        return means(sums)

    return validate
