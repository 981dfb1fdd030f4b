"""A projection as a picture, in TensorFlow alone."""

import tensorflow as tf

from zfnet.components.pictures.signed import OUTLIERS


def signed_picture(projection: tf.Tensor) -> tf.Tensor:
    """Turns signed pixel values into a picture in which 0 is grey, as `signed_to_rgb` does.

    Args:
        projection: float tensor `(height, width, channels)`, signed values of any range.

    Returns:
        uint8 tensor of the same shape; 128 is 0, and the absolute value that only 0.2 % exceed is black or white.
    """
    ordered = tf.sort(tf.reshape(tf.abs(projection), [-1]))
    last = tf.cast(tf.size(ordered) - 1, tf.float32)
    place = (1 - OUTLIERS) * last
    below, above = ordered[tf.cast(tf.floor(place), tf.int32)], ordered[tf.cast(tf.math.ceil(place), tf.int32)]
    quantile = below + (above - below) * (place - tf.floor(place))
    scale = tf.where(quantile > 0, quantile, ordered[-1])
    scale = tf.where(scale > 0, scale, 1.0)
    return tf.cast(tf.clip_by_value(tf.round(128 + 127.5 * projection / scale), 0, 255), tf.uint8)
