"""Linear maps of each value by itself: sums, joins and scales, with the same numbers at every place or with others."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.rules.axes import is_same_everywhere, window_across, window_by_place
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import Affine, Function, PassThrough, Saved, transposed
from zfnet.model.deconvnet.rules.window import POINT


class Scale(Affine):
    """A linear map that multiplies each map by one number, and adds others; `factors` returns the numbers, `(maps,)`."""

    def __init__(self, function: Function, factors: Callable[[], tf.Tensor]) -> None:
        super().__init__(function, POINT, local=True)
        self.factors = factors

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """The signal times these numbers."""
        return self.spread(signal, saved)

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """A window of the signal times these numbers."""
        return [signal * self.factors()]


class ByPlace(Affine):
    """A linear map of values of the same place and map, one of each input, with numbers that differ by place.

    All inputs have the shape of the output: `y[p] = a[p] u[p] + b[p] v[p] + c[p]` for two.
    """

    varies = True

    def __init__(self, function: Function) -> None:
        super().__init__(function, POINT, local=True)

    def numbers(self, shapes: list[tuple[int, ...]], dtype: tf.DType) -> list[tf.Tensor]:
        """The factors of every input's values."""
        return transposed(self.function, tf.ones((1, *shapes[0]), dtype), shapes)

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """The signal times the factors of each input."""
        return [signal * factors for factors in saved or []]


class Concatenation(Affine):
    """A concatenation of maps; backward each input gets its maps. `counts` are their numbers."""

    def __init__(self, function: Function, counts: Sequence[int]) -> None:
        super().__init__(function, POINT, local=True)
        self.counts = list(counts)

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """The signal's maps of each input."""
        return self.spread(signal, saved)

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """The maps of each input, of a window of the signal."""
        return tf.split(signal, self.counts, axis=-1)


def by_place(call: Call) -> list[PassThrough]:
    """A sum, or what else is linear in all of its tensors together, each place by itself."""
    window = window_by_place(call)
    # A map may become three, as where three numbers are subtracted from grey images.
    alike = call.on_maps and all(shape == call.output_shape for shape in call.shapes)
    if window is None or not window.is_point or not alike:
        return [Affine(call.function, window)]
    return [Affine(call.function, window, local=True, channels=_counts(call)) if is_same_everywhere(call) else ByPlace(call.function)]


def scaled_by_place(call: Call, is_same: bool) -> list[PassThrough]:
    """A scale of one tensor; `is_same` tells whether its numbers are the same at every place."""
    if is_same:
        return [Affine(call.function, POINT, local=True)]
    alike = call.on_maps and call.shapes == [call.output_shape]
    return [ByPlace(call.function) if alike else Affine(call.function, POINT)]


def batch_normalization(call: Call) -> list[PassThrough]:
    """Batch normalisation by the statistics that it stored."""
    axis = call.layer.axis
    by_map = axis in ((1, -call.dims - 1) if call.channels_first else (-1, call.dims + 1))
    if not by_map:
        return scaled_by_place(call, False)

    def factors():
        deviation = tf.math.rsqrt(call.weight("moving_variance") + call.layer.epsilon)
        return deviation if call.layer.gamma is None else deviation * call.weight("gamma")

    return [Scale(call.function, factors)]


def stored_normalization(call: Call) -> list[PassThrough]:
    """Normalisation by a mean and a variance that were given or learnt before."""
    # Mean and variance of each map, or of all: the same at every position.
    by_map = ((), (1,), (-call.dims - 1,)) if call.channels_first else ((), (call.dims + 1,), (-1,))
    return scaled_by_place(call, call.layer.axis in by_map)


def rescaling(call: Call) -> list[PassThrough]:
    """A scale and an offset of all values."""
    return scaled_by_place(call, np.ndim(call.layer.scale) == 0 or (np.ndim(call.layer.scale) == 1 and not call.channels_first))


def concatenation(call: Call) -> list[PassThrough]:
    """A concatenation, not measured as other moves are, since deep nets have many."""
    window = window_across(call, call.layer.axis)
    counts = _counts(call)
    if window.is_point and len(counts) == len(call.shapes) and all(len(shape) == call.dims + 1 for shape in call.shapes):
        return [Concatenation(call.function, counts)]
    return [Affine(call.function, window if window.is_point else None)]


def _counts(call: Call) -> tuple[int, ...]:
    return tuple(shape[-1] for shape in call.shapes if shape and shape[-1] is not None)
