"""Evaluation as in the paper: ten crops of an image, top-1 and top-5 error."""

import keras
import tensorflow as tf
from numpy.typing import ArrayLike

CROPS = 10


def crop_corner(index: int | tf.Tensor, side: int, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Top left corner `(top, left)`, int32 tensors, of one of the ten crops of `size` pixels in a square image of `side` pixels.

    `index` is 0..9: top left, top right, bottom left, bottom right, centre, then the five mirrored.
    """
    margin = side - size
    corners = tf.constant([(0, 0), (0, margin), (margin, 0), (margin, margin), (margin // 2, margin // 2)])
    corner = corners[tf.math.floormod(index, 5)]
    return corner[0], corner[1]


def ten_crop(images: tf.Tensor, size: int) -> tf.Tensor:
    """Cuts the ten crops of `size` pixels out of every image of a batch `(batch, side, side, channels)`.

    Zeiler & Fergus 2013, section 3: "10 different sub-crops of size 224x224 (corners + center with(out) horizontal flips)". The result is
    `(batch, 10, size, size, channels)`; crops 5..9 are the first five mirrored.

    Raises:
        ValueError: if an image is not square or smaller than `size`.

    Examples:
        >>> ten_crop(images, 84).shape
        TensorShape([4, 10, 84, 84, 3])
    """
    height, width = images.shape[1:3]
    if height != width or size > height:
        raise ValueError(f"The images are {height} x {width}; expected square ones of at least {size} x {size}.")
    crops = []
    for index in range(CROPS // 2):
        top, left = crop_corner(index, height, size)
        crops.append(images[:, top : top + size, left : left + size])
    return tf.stack(crops + [crop[:, :, ::-1] for crop in crops], axis=1)


def top_k_error(labels: ArrayLike, scores: ArrayLike, k: int) -> tf.Tensor:
    """Marks the examples whose label is missing among the `k` best scores: float32 `(batch,)`, 1.0 for an error, 0.0 otherwise.

    Strict, unlike Keras' accuracy: a class with the same score as the true one counts as better, so equal scores for all classes are
    always wrong; so is NaN.

    Args:
        labels: int tensor `(batch,)`, or `(batch, 1)`, the true classes.
        scores: float tensor `(batch, classes)`, probabilities or logits.
        k: number of guesses; all classes if there are fewer.

    Examples:
        >>> top_k_error([0, 1], [[0.7, 0.2, 0.1], [0.4, 0.4, 0.2]], k=1)  # the second is a tie
        <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0., 1.], dtype=float32)>
    """
    labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
    scores = tf.convert_to_tensor(scores)
    own = tf.gather(scores, labels, batch_dims=1)[:, None]
    # Counts the label itself too. Comparisons with NaN are false, so those rows are marked separately.
    at_least_as_good = tf.reduce_sum(tf.cast(scores >= own, tf.int32), axis=1)
    invalid = tf.reduce_any(tf.math.is_nan(scores), axis=1)
    return tf.cast((at_least_as_good > k) | invalid, tf.float32)


@keras.saving.register_keras_serializable("zfnet")
class TopKError(keras.metrics.MeanMetricWrapper):
    """Mean of `top_k_error` over all examples seen, a fraction 0..1, for `model.compile(metrics=[...])`; called `top5_error` for k 5.

    Examples:
        >>> metric = TopKError(k=1)
        >>> metric.update_state([0, 1], [[0.7, 0.2, 0.1], [0.4, 0.4, 0.2]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, k: int = 5, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(top_k_error, name=name or f"top{k}_error", dtype=dtype, k=k)
        self.k = k
        self._direction = "down"

    def get_config(self) -> dict[str, object]:
        """Arguments of the constructor, for Keras to save."""
        return {"k": self.k, "name": self.name, "dtype": self.dtype}
