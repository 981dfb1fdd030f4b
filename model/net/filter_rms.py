"""The paper's hold on single filters: none may exceed a given root mean square."""

import keras
import tensorflow as tf


def clip_filter_rms(kernel: tf.Tensor, radius: float = 0.1) -> tf.Tensor:
    """Rescales each filter whose root mean square exceeds `radius` to that radius.

    Zeiler & Fergus 2013, section 3: keeps a few first-layer filters from dominating.

    Args:
        kernel: float tensor, shape `(height, width, channels, filters)`.
        radius: largest root mean square of one filter, in weight units.

    Returns:
        Tensor of the shape and dtype of `kernel`; filters within the radius are unchanged.

    Raises:
        ValueError: if `radius` is not positive.

    Examples:
        >>> clip_filter_rms(tf.fill((7, 7, 3, 96), 0.4))[0, 0, 0, 0]
        <tf.Tensor: shape=(), dtype=float32, numpy=0.1>
    """
    if radius <= 0:
        raise ValueError(f"The radius is {radius}; it must be greater than 0.")
    rms = tf.sqrt(tf.reduce_mean(tf.square(kernel), axis=(0, 1, 2)))
    return tf.where(rms > radius, kernel * (radius / tf.maximum(rms, radius)), kernel)


@keras.saving.register_keras_serializable("zfnet")
class FilterRmsClip(keras.constraints.Constraint):
    """`clip_filter_rms` after every update of a convolution's kernel.

    Args:
        radius: largest root mean square of one filter, in weight units; greater than 0.

    Examples:
        >>> keras.layers.Conv2D(96, 7, strides=2, kernel_constraint=FilterRmsClip(0.1))
    """

    def __init__(self, radius: float = 0.1) -> None:
        self.radius = radius

    def __call__(self, kernel: tf.Tensor) -> tf.Tensor:
        """Returns `kernel` with no filter beyond the radius."""
        return clip_filter_rms(kernel, self.radius)

    def get_config(self) -> dict[str, float]:
        """What the constraint is made again from."""
        return {"radius": self.radius}
