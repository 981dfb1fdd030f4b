"""Top-1 and top-5 error: the first measure of an evaluation, which training shows as well."""

import numpy as np
import tensorflow as tf

from zfnet.model.net.evaluation import top_k_error

GUESSES = (1, 5)


def count_errors(labels: tf.Tensor, probabilities: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
    """Counts top-1 and top-5 errors, strictly: a tie with the true class is an error, and so is NaN (see `top_k_error`).

    With five classes or fewer, as many guesses are given as there are classes, and only NaN is wrong then.

    Args:
        labels: int tensor `(n,)`, the true classes.
        probabilities: float tensor `(n, classes)`.
        counted: bool tensor `(n,)`, false for examples that only fill up the batch.

    Returns:
        float32 tensor `(2,)`: the number of counted examples whose class is not the best guess, and not among the best five. Floats,
        which every strategy can sum over replicas; whole numbers up to 2**24.

    Examples:
        >>> count_errors([0, 1, 1], [[0.7, 0.3], [0.6, 0.4], [0.6, 0.4]], [True, True, False])
        <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 0.], dtype=float32)>
    """
    probabilities = tf.convert_to_tensor(probabilities)
    classes = probabilities.shape[-1]
    wrong = tf.stack([top_k_error(labels, probabilities, min(k, classes)) for k in GUESSES], axis=1)
    return tf.reduce_sum(tf.where(tf.convert_to_tensor(counted)[:, None], wrong, 0.0), axis=0)


def error_shares(ranks: np.ndarray, classes: int) -> dict[str, float | None]:
    """Top-1 and top-5 error, fractions 0..1, of examples whose true classes have these ranks (`Answers.ranks`); None without examples.

    With five `classes` or fewer, as many guesses are given as there are classes.

    Examples:
        >>> error_shares(np.array([1, 2, 2, 6]), classes=10)
        {'top1_error': 0.75, 'top5_error': 0.25}
    """
    return {f"top{k}_error": float((ranks > min(k, classes)).sum()) / len(ranks) if len(ranks) else None for k in GUESSES}
