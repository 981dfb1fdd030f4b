"""The first layer of a saved net: it centres pixel values."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("zfnet")
class MeanImage(keras.layers.Layer):
    """Subtracts the mean image of the training data, pixel by pixel.

    Zeiler & Fergus 2013, section 3: "subtracting the per-pixel mean (across all images)". The mean is a weight that no
    optimizer changes; it starts at 0 and is set with `set_weights([mean])`.

    Input: float images of shape `(batch, height, width, channels)`, values 0..255. Output: the same shape, about -128..128.

    Examples:
        >>> layer = MeanImage()
        >>> layer.build((None, 96, 96, 3))
        >>> layer.set_weights([np.full((96, 96, 3), 110.0)])
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the mean image, of the shape of one image."""
        self.mean = self.add_weight(shape=tuple(input_shape[1:]), initializer="zeros", trainable=False, name="mean")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns the centred images."""
        return inputs - self.mean

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape stays as it is."""
        return input_shape
