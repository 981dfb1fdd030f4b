"""Axes on which an operation works: the window that follows, and images that must stay apart."""

import numpy as np
import tensorflow as tf
from keras import KerasTensor
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import Affine, PassThrough
from zfnet.model.deconvnet.rules.window import POINT, WHOLE, Window
from zfnet.model.deconvnet.separate_images import mixed_images

# Images with which an operation is tried, enough to notice one that exchanges them.
IMAGES = 3
# Heights and widths to try where the model leaves them open; many strides divide them. Volumes of these sizes would take much memory.
OPEN_SIZES, OPEN_VOLUMES = (96, 144), (24, 36)


def places(rank: int, dims: int, channels_first: bool) -> tuple[int, ...]:
    """Spatial axes of a tensor of the model that has `rank` axes, the batch included: rows and columns of images, where `dims` is 2.

    A value that lost its maps, or has more axes of them, keeps its rows and columns first, or last in a channels-first model.
    """
    return tuple(range(rank - dims, rank) if channels_first else range(1, dims + 1))


def open_sizes(dims: int) -> tuple[int, int]:
    """Two sizes to try for an axis whose size the model leaves open."""
    return OPEN_SIZES if dims < 3 else OPEN_VOLUMES


def window_across(call: Call, axes: ArrayLike | None) -> Window:
    """Window of an operation that mixes values along some `axes` of its input, `None` for all, and leaves the others in place.

    It is the whole image if rows, columns or other spatial axes are among them, else a point. Axes are counted in the model's layout, the
    batch first. A ValueError is raised if the batch is among them.
    """
    rank = len(call.inputs[0].shape)
    every = range(rank) if axes is None else [axis % rank for axis in np.atleast_1d(axes).tolist()]
    if 0 in every:
        raise mixed_images(call.layer)
    return WHOLE if rank > call.dims and set(every).intersection(places(rank, call.dims, call.channels_first)) else POINT


def window_by_place(call: Call) -> Window | None:
    """Window of an operation on values at the same place: a point, or `None` if one row or column is used for several.

    A ValueError is raised if an operation aligns the images of a batch with another axis, as tensors of different ranks do.
    """
    result = call.output.shape
    rows_and_columns = places(len(result), call.dims, call.channels_first) if len(result) > call.dims else ()
    window: Window | None = POINT
    for tensor in call.inputs:
        if len(tensor.shape) != len(result):
            # Layers such as Add align tensors of different ranks by their first axis, and a vector with the maps; operations by the last.
            if not call.is_layer:
                raise mixed_images(call.layer)
            window = window if len(tensor.shape) == 2 <= call.dims else None
        elif any(tensor.shape[axis] != result[axis] for axis in rows_and_columns):
            window = None
    return window


def is_same_everywhere(call: Call) -> bool:
    """Whether an operation on maps combines them with numbers that are the same at every place: one for all, or one for each map."""
    if any(len(tensor.shape) != call.dims + 2 for tensor in call.inputs):
        return False
    if call.is_layer:
        # Add, Average and Subtract have no numbers.
        return True
    rows_and_columns = slice(-call.dims, None) if call.channels_first else slice(-call.dims - 1, -1)
    numbers = [np.shape(argument) for argument in call.arguments if not isinstance(argument, KerasTensor)]
    return all(length == 1 for shape in numbers for length in shape[rows_and_columns])


def linear(call: Call) -> list[PassThrough]:
    """Rule of a linear call whose window is not the same everywhere, or not known.

    The call is tried on random images; a ValueError is raised if a result depends on another image of the batch.
    """
    size = open_sizes(call.dims)[0]
    shapes = [tuple(size if length is None else length for length in shape) for shape in call.shapes]
    random = np.random.default_rng(0)
    images = [tf.constant(random.normal(size=(IMAGES, *shape)), call.dtype) for shape in shapes]
    with tf.GradientTape() as tape:
        tape.watch(images)
        try:
            result = call.function(*images)
        except (tf.errors.InvalidArgumentError, ValueError):
            # One size of images may not do.
            if shapes == list(call.shapes):
                raise
            return [Affine(call.function, None)]
        second = result[1] if result.shape[:1] == (IMAGES,) else None
    gradients = [] if second is None else tape.gradient(second, images, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    if not gradients or any(np.any(gradient[::2]) for gradient in gradients):
        raise mixed_images(call.layer)
    return [Affine(call.function, None)]
