"""Trials of a call on random numbers: whether it does what a chosen rule assumes."""

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.rules.axes import open_sizes
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.window import Window

ROWS = 2
TOLERANCE = 1e-3


def random_inputs(call: Call, seed: int = 0) -> list[tf.Tensor]:
    """Random inputs of a call, two rows of each; sizes that the model leaves open are one of `open_sizes`."""
    random = np.random.default_rng(seed)
    shapes = [tuple(open_sizes(call.dims)[0] if length is None else length for length in shape) for shape in call.shapes]
    return [tf.constant(random.normal(size=(ROWS, *shape)), call.dtype) for shape in shapes]


def is_by_value(call: Call) -> bool:
    """Whether a call of one tensor changes each value by itself, as activation functions do."""
    (values,), (others,) = random_inputs(call), random_inputs(call, seed=1)
    kept = np.random.default_rng(2).random(values.shape) < 0.5
    before, after = (np.asarray(call.function(given)) for given in (values, tf.where(kept, values, others)))
    return before.shape == kept.shape and is_same(before[kept], after[kept])


def is_affine(call: Call) -> bool:
    """Whether a call is a linear map of all its tensors together, with an optional bias."""
    first, second = random_inputs(call), random_inputs(call, seed=1)
    beyond = [one + 3 * (other - one) for one, other in zip(first, second, strict=True)]
    at_first, at_second, found = (np.asarray(call.function(*given)) for given in (first, second, beyond))
    return is_same(found, at_first + 3 * (at_second - at_first))


def check_window(call: Call, window: Window) -> None:
    """Fails with a ValueError if one of two values of the output depends on more than `window` of the input maps."""
    if not window.size:
        window = Window((1,) * call.dims, (1,) * call.dims, (0,) * call.dims)
    if len(window.size) != call.dims:
        kind = type(call.layer).__name__
        raise ValueError(
            f"Layer {call.layer.name!r}, of type {kind}: its window is given for {len(window.size)} axes, but the maps have {call.dims}."
        )
    inputs, others = random_inputs(call), random_inputs(call, seed=1)
    before = np.asarray(call.function(*inputs))
    if any(value.ndim != call.dims + 2 for value in (before, *inputs)):
        return
    # The middle, and a place that a flip or a transposition does not leave where it is.
    lengths = before.shape[1:-1]
    for place in (
        tuple(length // 2 for length in lengths),
        tuple(min(length // 4 + axis, length - 1) for axis, length in enumerate(lengths)),
    ):
        _check_window_at(call, window, place, inputs, others, before)


def _check_window_at(call, window, place, inputs, others, before):
    padding = window.padding(inputs[0].shape[1:-1])
    corner = [at * step - pad for at, step, pad in zip(place, window.strides, padding, strict=True)]
    seen = tuple(slice(max(start, 0), max(start + size, 0)) for start, size in zip(corner, window.size, strict=True))
    mixed = []
    for value, other in zip(inputs, others, strict=True):
        inside = np.zeros((*value.shape[:-1], 1), bool)
        inside[:, *seen] = True
        mixed.append(tf.where(inside, value, other))
    after = np.asarray(call.function(*mixed))
    here = (slice(None), *place)
    if not is_same(before[here], after[here]):
        raise ValueError(
            f"Layer {call.layer.name!r}, of type {type(call.layer).__name__}: its window is given as {tuple(window)}, but the value at "
            f"position {place} depends on more. Expected a window of all positions that it depends on, or None."
        )


def is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are equal up to rounding."""
    largest = np.max(np.abs(other[np.isfinite(other)]), initial=0)
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=TOLERANCE * max(largest, 1e-6), equal_nan=True)
