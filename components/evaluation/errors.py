"""Top-1 and top-5 error of a saved net over a split, every example counted once."""

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_batches
from zfnet.model.net.ten_crop import ten_crop
from zfnet.model.net.top_k_error import top_k_error

BATCH = 64


def measure_errors(net: keras.Model, examples: Examples, split: str, *, ten_crop_mean: np.ndarray | None = None) -> dict:
    """Counts the errors of a net.

    Args:
        net: takes RGB values 0..255 of `examples.image_size`, gives probabilities.
        examples: prepared examples.
        split: which split.
        ten_crop_mean: mean image `(side, side, 3)`; with it, the probabilities of the paper's ten crops are averaged (Zeiler &
            Fergus 2013, section 3; averaging as in Krizhevsky et al. 2012).

    Returns:
        `top1_error` and `top5_error`, fractions 0..1, and `examples`, their number.

    Raises:
        ValueError: if the net was made for another size or number of classes.
    """
    size, classes = examples.image_size, len(examples.labels)
    if net.input_shape[1:3] != (size, size) or net.output_shape[-1] != classes:
        raise ValueError(
            f"The model takes {net.input_shape[1]} x {net.input_shape[2]} pixels and knows {net.output_shape[-1]} classes; "
            f"the examples have {size} x {size} pixels and {classes} classes."
        )
    answer = tf.function(lambda images: net(images, training=False), reduce_retracing=True)
    errors = {1: 0.0, 5: 0.0}
    count = 0
    side = size if ten_crop_mean is None else examples.side
    for images, labels, _ in central_batches(examples, split, size=side, batch_size=BATCH):
        if ten_crop_mean is None:
            probabilities = answer(images)
        else:
            crops = _centred_crops(images, ten_crop_mean, size)
            probabilities = tf.reduce_mean(tf.stack([answer(crops[:, index]) for index in range(crops.shape[1])]), axis=0)
        count += len(labels)
        for k in errors:
            errors[k] += float(tf.reduce_sum(top_k_error(labels, probabilities, min(k, classes))))
    return {"top1_error": errors[1] / count, "top5_error": errors[5] / count, "examples": count}


def _centred_crops(images, mean, size):
    # The net subtracts the mean's central crop; the paper subtracts the mean first and then crops.
    margin = (mean.shape[0] - size) // 2
    central_mean = mean[margin : margin + size, margin : margin + size]
    return ten_crop(images - mean, size) + central_mean
