"""Top-1 and top-5 error, strictly counted."""

from typing import Any

import keras
import tensorflow as tf
from numpy.typing import ArrayLike


def top_k_error(labels: ArrayLike, scores: ArrayLike, k: int) -> tf.Tensor:
    """Tells for each example whether its label is missing among the `k` best scores.

    Strict where Keras' accuracy is generous: a class that scores the same as the true one counts as better, so a net that
    answers alike for all classes is always wrong; and so is a net that answers NaN.

    Args:
        labels: int tensor `(batch,)`, or `(batch, 1)`, the true classes.
        scores: float tensor `(batch, classes)`, probabilities or logits.
        k: how many guesses count; more than there are classes is the same as all of them.

    Returns:
        float32 tensor `(batch,)`: 1.0 for an error, 0.0 otherwise.

    Examples:
        >>> top_k_error([0, 1], [[0.7, 0.2, 0.1], [0.4, 0.4, 0.2]], k=1)  # the second is a tie
        <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0., 1.], dtype=float32)>
    """
    labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
    scores = tf.convert_to_tensor(scores)
    own = tf.gather(scores, labels, batch_dims=1)[:, None]
    # Counts the label itself too. Nothing compares with NaN, so those rows are told apart.
    at_least_as_good = tf.reduce_sum(tf.cast(scores >= own, tf.int32), axis=1)
    invalid = tf.reduce_any(tf.math.is_nan(scores), axis=1)
    return tf.cast((at_least_as_good > k) | invalid, tf.float32)


@keras.saving.register_keras_serializable("zfnet")
class TopKError(keras.metrics.MeanMetricWrapper):
    """Mean of `top_k_error` over all examples seen, a fraction 0..1, for `model.compile(metrics=[...])`.

    Args:
        k: how many guesses count.
        name: name of the metric; `top5_error` for k 5 if not given.
    """

    def __init__(self, k: int = 5, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(top_k_error, name=name or f"top{k}_error", dtype=dtype, k=k)
        self.k = k
        self._direction = "down"

    def get_config(self) -> dict[str, Any]:
        """What the metric is made again from."""
        return {"k": self.k, "name": self.name, "dtype": self.dtype}
