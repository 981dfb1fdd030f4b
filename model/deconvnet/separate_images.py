"""A check that an operation of a model works on each image of a batch by itself."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf


def check_separate_images(layer: keras.Operation, function: Callable, shapes: Sequence[tuple[int | None, ...]], dtype: str) -> None:
    """Fails if an operation mixes the images of a batch, or takes one number of images alone.

    Keras allows both: `ops.mean(x, axis=0)`, `ops.reshape(x, (4, -1))` in a model built for batches of four, an array of four rows that is
    added. An image would have other activations among other images, or those of another one. Layers of Keras do so only along an
    axis 0. Other layers and operations are tried on two images, and on the first of them alone.

    Args:
        layer: the layer or operation.
        function: its call, as a function of its tensors.
        shapes: shapes of its tensors without the batch; sizes that the model leaves open are not tried.
        dtype: their type.

    Raises:
        ValueError: the images are not separate.
    """
    of_keras = isinstance(layer, keras.layers.Layer) and type(layer).__module__.startswith("keras.src.")
    if of_keras and not isinstance(layer, keras.layers.Lambda):
        separate = 0 not in tf.nest.flatten(getattr(layer, "axis", None))
    elif any(None in shape for shape in shapes):
        return
    else:
        images = [np.random.default_rng(0).normal(size=[2, *(size or 0 for size in shape)]).astype(dtype) for shape in shapes]
        separate = _are_separate(function, images)
    if not separate:
        raise mixed_images(layer)


def mixed_images(layer: keras.Operation) -> ValueError:
    """The error of a layer or operation that does not work on each image of a batch by itself."""
    return ValueError(
        f"Layer {layer.name!r}, of type {type(layer).__name__}, mixes the images of a batch, or takes one number of images alone. "
        "Expected an operation on each image by itself: along other axes than 0, and with -1 for the number of images."
    )


def _are_separate(function, images):
    try:
        both, first = (np.asarray(function(*(tf.constant(each[:count]) for each in images))) for count in (2, 1))
    except (ValueError, tf.errors.InvalidArgumentError):
        return False
    except TypeError:  # Other values than these are expected; the rules tell.
        return True
    return both.shape[:1] == (2,) and first.shape == (1, *both.shape[1:]) and np.allclose(both[:1], first, atol=1e-3, equal_nan=True)
