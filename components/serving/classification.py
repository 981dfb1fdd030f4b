"""The signature of a SavedModel that names what is in images."""

from collections.abc import Callable

import keras
import tensorflow as tf

from zfnet.components.serving.served_image import served_image

GUESSES = 5
# Images that are decoded at a time: each may take its pixels in memory.
PARALLEL = 4


def classification(net: keras.Model, names: tf.lookup.StaticHashTable, side: int) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Makes the function behind the signature.

    Args:
        net: takes RGB 0..255 of `(size, size)` pixels and returns probabilities.
        names: of the classes, by their number.
        side: side that photographs were scaled to before the centre was cut out, in pixels.

    Returns:
        A function of `image_bytes`, a string tensor `(N,)`, that returns `labels` `(N, k)`, the best five classes or all if there are
        fewer, best first, their `probabilities` `(N, k)`, and `errors` `(N,)`: empty, or why an image can't be read; its labels are empty
        then, and its probabilities 0.
    """
    size, classes = net.input_shape[1], net.output_shape[-1]

    def classify(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        images, errors = tf.map_fn(
            lambda encoded: served_image(encoded, side=side, size=size),
            image_bytes,
            fn_output_signature=(tf.TensorSpec((size, size, 3), tf.float32), tf.TensorSpec((), tf.string)),
            parallel_iterations=PARALLEL,
        )
        best = tf.math.top_k(net(images, training=False), k=min(GUESSES, classes))
        read = tf.equal(errors, "")[:, None]
        return {
            "labels": tf.where(read, names.lookup(tf.cast(best.indices, tf.int64)), ""),
            "probabilities": tf.where(read, best.values, 0.0),
            "errors": errors,
        }

    return classify
