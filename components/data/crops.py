"""Crops of stored images that wait to be mirrored and centred, on the device that trains."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.model.net.evaluation import CROPS, ten_crop


class Crops(NamedTuple):
    """Crops as they are stored, a quarter of the bytes of centred ones, before `centring` mirrors and centres them.

    `images` is uint8 `(n, size, size, 3)`, not mirrored; `numbers`, int32 `(n,)`, says which of the paper's ten each is, see `crop_corner`.
    """

    images: tf.Tensor
    numbers: tf.Tensor


def centring(mean: np.ndarray, size: int) -> Callable[[Crops], tf.Tensor]:
    """Makes the function that mirrors and centres `Crops`; the result has the same bits as that of `training_batches`.

    `mean` and `size` are those that were given to `training_batches`. The function returns float images `(n, size, size, 3)`.

    Examples:
        >>> centre = centring(np.full((4, 4, 3), 100.0), 2)
        >>> centre(Crops(np.array([[[[101] * 3, [102] * 3], [[103] * 3, [104] * 3]]], np.uint8), np.array([9])))[0, :, :, 0].numpy()
        array([[2., 1.],
               [4., 3.]], dtype=float32)
    """
    means = ten_crop(tf.constant(mean, tf.float32)[None], size)[0].numpy()

    def centre(crops: Crops) -> tf.Tensor:
        images, numbers = crops
        # Rows of all images in one axis: TensorFlow has a fast way to mirror along the middle one of three.
        mirrored = tf.reshape(tf.reverse(tf.reshape(images, (-1, size, 3)), [1]), (-1, size, size, 3))
        # Not `tf.raw_ops.Select`, which has no kernel for bytes on a GPU.
        images = tf.where((numbers >= CROPS // 2)[:, None, None, None], mirrored, images)
        # A constant of the graph is on the device that uses it, so that it is copied there once.
        return tf.cast(images, tf.float32) - tf.gather(tf.constant(means), numbers)

    return centre
