"""Rules of pooling layers and operations: averages and maxima over windows, over parts of the map, and along axes."""

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import tensorflow as tf
from keras import ops

from zfnet.model.deconvnet.rules.axes import linear, window_across
from zfnet.model.deconvnet.rules.call import LAST, Call
from zfnet.model.deconvnet.rules.convolution import Sliding
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.rule import Affine, PassThrough, Saved
from zfnet.model.deconvnet.rules.window import WHOLE, Window, sliding_window


class Maximum(PassThrough):
    """The largest value along some axes; backward each value goes where it came from: a max pooling without windows.

    As in max pooling, the first of equal values counts as the largest.
    """

    local = False
    saves = True

    def __init__(self, call: Call) -> None:
        super().__init__(call.function)
        self.window = window_across(call, call.layer.axis)
        rank = len(call.inputs[0].shape)
        axes = sorted(axis % rank for axis in np.atleast_1d(call.layer.axis).tolist())
        if call.channels_first and rank == call.dims + 2:
            axes = sorted(rank - 1 if axis == 1 else axis - 1 for axis in axes)
        # The axes of the maximum last, and back.
        kept = [axis for axis in range(rank) if axis not in axes]
        if call.channels_first and rank == call.dims + 2 and len(call.output.shape) < rank and rank - 1 in kept:
            # With fewer axes, what is left stays in the model's order: the maps come first.
            kept = [0, rank - 1, *kept[1:-1]]
        self.order = kept + axes
        self.kept = rank - len(axes)

    def save(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Places `(N, ...)` of the maxima, counted through the axes of the maximum."""
        last = tf.transpose(inputs[0], self.order)
        kept = last.shape[1 : self.kept]
        return tf.argmax(tf.reshape(last, (-1, *kept, math.prod(last.shape[self.kept :]))), axis=-1, output_type=tf.int32)

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Signal of the shape of the input, zero but at the places of the maxima."""
        lengths = [(0, *shapes[0])[axis] for axis in self.order]
        kept, largest = lengths[1 : self.kept], lengths[self.kept :]
        values = tf.reshape(signal, (-1, *kept, 1))
        spread = values * tf.one_hot(saved, math.prod(largest), dtype=signal.dtype)
        return [tf.transpose(tf.reshape(spread, (-1, *kept, *largest)), np.argsort(self.order))]


class SameAverage(Sliding):
    """Average pooling with `same` padding: at the border the averages are over fewer positions than elsewhere."""

    varies = True

    def __init__(self, call: Call, window: Window) -> None:
        super().__init__(
            call.function, window, lambda maps: ops.average_pool(maps, window.size, window.strides, data_format=LAST), call.channels
        )

    def numbers(self, shapes: list[tuple[int, ...]], dtype: tf.DType) -> list[tf.Tensor]:
        """For every place, how many times fewer positions than elsewhere."""
        lengths = shapes[0][:-1]
        factors = np.ones((1, *(1,) * len(lengths), 1))
        for axis, (size, step, before, length) in enumerate(
            zip(self.window.size, self.window.strides, self.window.padding(lengths), lengths, strict=True)
        ):
            start = np.arange(-(-length // step)) * step - before
            inside = np.minimum(start + size, length) - np.maximum(start, 0)
            factors = factors * (size / inside).reshape(-1, *(1,) * (len(lengths) - axis))
        return [tf.constant(factors, dtype)]

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """Transpose of the unpadded averages, with the divisors of the places."""
        return super().spread(signal * cast("list[tf.Tensor]", saved)[0], None)


def average_pool(call: Call) -> list[PassThrough]:
    """Average pooling, a layer or an operation."""
    window = _window(call)
    if window is None or not call.on_maps:
        return linear(call)
    if call.layer.padding == "same":
        return [SameAverage(call, window)]
    return [Sliding(call.function, window, call.function, call.channels)]


def max_pool(call: Call) -> list[PassThrough]:
    """Max pooling, a layer or an operation."""
    if call.has_other_layout:
        return call.in_other_layout()
    window = _window(call)
    if window is None:
        return call.without_rule(_type(call, "of something else than maps"), ["a pooling of maps"], call.function)
    return [MaxPool(window.size, window.strides, call.layer.padding, call.on_maps)]


def global_max_pool(call: Call) -> list[PassThrough]:
    """Max pooling of whole maps."""
    size = [length for length in call.shapes[0][:-1] if length is not None]
    if len(size) < len(call.shapes[0]) - 1:
        sizes = " x ".join(map(str, call.shapes[0][:-1]))
        raise ValueError(f"Layer {call.layer.name!r} pools a map of {sizes}; its switches need a known size: build the model for one.")
    if call.has_other_layout:
        return call.in_other_layout()
    shape = (-1, *(1,) * len(size), call.channels) if call.layer.keepdims else (-1, call.channels)
    return [MaxPool(size, size, "valid", call.on_maps), Affine(lambda inputs: tf.reshape(inputs, shape), WHOLE)]


def adaptive_average_pool(call: Call) -> list[PassThrough]:
    """Averages of the parts of a map; a usual average pooling if the parts are alike."""
    if set(by_axis(call, call.layer.output_size)) == {1}:
        return [Affine(call.function, WHOLE)]
    size = _size_of_parts(call)
    if size is None or not call.on_maps:
        return linear(call)
    return [Sliding(call.function, sliding_window(size, size, "valid"), _pooled(size), call.channels)]


def adaptive_max_pool(call: Call) -> list[PassThrough]:
    """Maxima of the parts of a map; without a rule unless the parts are alike."""
    size = _size_of_parts(call)
    if size is not None:
        return [MaxPool(size, size, "valid", call.on_maps)]
    return call.without_rule(_type(call, "whose parts differ in size"), ["a size that divides that of the maps"], call.function)


def maximum(call: Call) -> list[PassThrough]:
    """The largest value along axes."""
    if getattr(call.layer, "initial", None) is None and all(None not in shape for shape in call.shapes):
        return [Maximum(call)]
    return call.without_rule(_type(call, "with `initial`, or of a size that the model leaves open"), ["one of known size"], call.function)


def by_axis(call: Call, given: int | Sequence[int]) -> tuple[int, ...]:
    """A number for each spatial axis of a call's input, height and width for images; `given` is one number for all, or one for each."""
    return (given,) * (len(call.shapes[0]) - 1) if isinstance(given, int) else tuple(given)


def _window(call: Call) -> Window | None:
    if call.has_other_layout or len(call.shapes[0]) not in (2, 3, 4):
        return None
    size, strides = call.layer.pool_size, call.layer.strides
    return sliding_window(by_axis(call, size), by_axis(call, size if strides is None else strides), call.layer.padding)


def _size_of_parts(call: Call) -> tuple[int, ...] | None:
    if call.has_other_layout or len(call.shapes[0]) not in (2, 3, 4):
        return None
    lengths, parts = call.shapes[0][:-1], by_axis(call, call.layer.output_size)
    sizes = tuple(0 if length is None or length % count else length // count for length, count in zip(lengths, parts, strict=True))
    return sizes if all(sizes) else None


def _pooled(size: tuple[int, ...]) -> Callable:
    return lambda maps: ops.average_pool(maps, size, data_format=LAST)


def _type(call, problem):
    return f"is of type {type(call.layer).__name__}, {problem}"
