"""Layers and constraints that ZFNet and AlexNet need beyond those of Keras."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zfnet.model.net.architecture import CONTRAST_ALPHA

# Krizhevsky et al. 2012, section 3.3; Zeiler & Fergus do not state theirs.
NEIGHBOURS = 2
BIAS = 2.0
BETA = 0.75


@keras.saving.register_keras_serializable("zfnet")
class ContrastNormalization(keras.layers.Layer):
    """Divides each activation by a power of the energy of five neighbouring feature maps at its place.

    `y = x / (2 + alpha * sum of x**2 over the map, two below and two above it) ** 0.75`: Krizhevsky et al. 2012, section 3.3, the
    contrast normalisation after pool1 and pool2 in Zeiler & Fergus 2013, Fig. 3. Equal to `tf.nn.lrn(x, 2, 2.0, alpha, 0.75)`,
    forward and backward, by operations that are cheaper on a CPU. A deconvnet skips it.

    Input and output: float tensors of the same shape `(batch, height, width, maps)`.

    Args:
        alpha: factor of the sum of squares, greater than 0. PyTorch and MXNet divide theirs by five, the number of maps.
        **options: of `keras.layers.Layer`, such as `name`.

    Examples:
        >>> round(float(ContrastNormalization()(np.ones((1, 5, 7, 3), "float32"))[0, 0, 0, 1]), 4)  # 1 / 2.0003 ** 0.75
        0.5945
    """

    def __init__(self, alpha: float = CONTRAST_ALPHA, **options: Any) -> None:
        super().__init__(**options)
        if not alpha > 0:
            raise ValueError(f"alpha is {alpha}; it must be greater than 0.")
        self.alpha = alpha

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the band matrix that sums neighbouring maps."""
        count = input_shape[-1]
        if count is None:
            raise ValueError(f"The input has shape {input_shape}; the number of its maps, which comes last, must be known.")
        maps = np.arange(count)
        self.band = (abs(maps[:, None] - maps) <= NEIGHBOURS)[None, None].astype("float32")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns the normalised activations."""
        # Not in bfloat16, whose steps near the bias are coarser than what most activations add to it.
        exact = inputs if inputs.dtype == tf.float64 else tf.cast(inputs, tf.float32)
        return tf.cast(_normalize(exact, tf.constant(self.band, exact.dtype), self.alpha), inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Unchanged shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, for Keras to save."""
        return {**super().get_config(), "alpha": self.alpha}


def _normalize(inputs: tf.Tensor, band: tf.Tensor, alpha: float) -> tf.Tensor:
    @tf.custom_gradient
    def normalize(inputs):
        # A 1x1 convolution with a band matrix and two square roots are far cheaper than tf.nn.lrn's loop and its general power.
        energy = BIAS + alpha * tf.nn.conv2d(tf.square(inputs), band, 1, "VALID")
        root = tf.math.rsqrt(energy)
        factor = root * tf.sqrt(root)

        def backward(upstream):
            crosstalk = tf.nn.conv2d(upstream * inputs * factor * tf.square(root), band, 1, "VALID")
            return upstream * factor - (2 * alpha * BETA) * inputs * crosstalk

        return inputs * factor, backward

    return normalize(inputs)


def clip_filter_rms(kernel: tf.Tensor, radius: float = 0.1) -> tf.Tensor:
    """Rescales each filter of a kernel `(height, width, channels, filters)` whose root mean square exceeds `radius` to that radius.

    Zeiler & Fergus 2013, section 3: keeps a few first-layer filters from dominating. The radius is in weight units, greater than 0.

    Examples:
        >>> round(float(clip_filter_rms(tf.fill((7, 7, 3, 96), 0.4))[0, 0, 0, 0]), 4)
        0.1
    """
    if radius <= 0:
        raise ValueError(f"The radius is {radius}; it must be greater than 0.")
    rms = tf.sqrt(tf.reduce_mean(tf.square(kernel), axis=(0, 1, 2)))
    return tf.where(rms > radius, kernel * (radius / tf.maximum(rms, radius)), kernel)


@keras.saving.register_keras_serializable("zfnet")
class FilterRmsClip(keras.constraints.Constraint):
    """Constraint that applies `clip_filter_rms` with a radius after every update of a convolution's kernel.

    Examples:
        >>> keras.layers.Conv2D(96, 7, kernel_constraint=FilterRmsClip(0.1)).kernel_constraint.radius
        0.1
    """

    def __init__(self, radius: float = 0.1) -> None:
        self.radius = radius

    def __call__(self, kernel: tf.Tensor) -> tf.Tensor:
        """Kernel with no filter beyond the radius."""
        return clip_filter_rms(kernel, self.radius)

    def get_config(self) -> dict[str, float]:
        """Arguments of the constructor, for Keras to save."""
        return {"radius": self.radius}


@keras.saving.register_keras_serializable("zfnet")
class MeanImage(keras.layers.Layer):
    """Subtracts the mean image of the training data, pixel by pixel.

    Zeiler & Fergus 2013, section 3: "subtracting the per-pixel mean (across all images)". The mean is a weight that no
    optimizer changes; it starts at 0 and is set with `set_weights([mean])`.

    Input: float images of shape `(batch, height, width, channels)`, values 0..255. Output: the same shape, about -128..128.

    Examples:
        >>> centred = MeanImage()(images)  # The mean is still 0.
        >>> bool(np.all(centred == images))
        True
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the mean image, of the shape of one image."""
        self.mean = self.add_weight(shape=tuple(input_shape[1:]), initializer="zeros", trainable=False, name="mean")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns the centred images."""
        return inputs - self.mean

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Unchanged shape."""
        return input_shape
