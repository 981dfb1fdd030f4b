"""A computation of TensorFlow that may fail, and what stands for its result if it did."""

from collections.abc import Callable

import tensorflow as tf


def recovered(function: Callable[[tf.Tensor], tf.Tensor], argument: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
    """Calls a function whose operations may raise. Within a graph nothing but a data set catches what they raise.

    Args:
        function: of one tensor; returns a tensor.
        argument: what it takes.
        otherwise: stands for the result if the function raised; of the result's type and number of dimensions.

    Returns:
        What the function returned, or `otherwise`.

    Examples:
        >>> recovered(tf.io.decode_png, b"no image", tf.zeros((0, 0, 3), tf.uint8)).shape
        TensorShape([0, 0, 3])
    """
    tried = tf.data.Dataset.from_tensors(argument).map(function).ignore_errors()
    return tried.concatenate(tf.data.Dataset.from_tensors(otherwise)).take(1).get_single_element()
