"""Max pooling with switches: the position of each maximum, and unpooling to those positions."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.rules.fused import fused
from zfnet.model.deconvnet.rules.rule import PassThrough, Saved, cut_padding
from zfnet.model.deconvnet.rules.window import Window, sliding_window

# Windows of more positions are unpooled by scattering: slower than a sum over their positions, but it does not grow with them.
MANY_POSITIONS = 64


class MaxPool(PassThrough):
    """Max pooling; backward unpooling, which puts each value where its maximum was in the forward pass.

    Zeiler & Fergus 2013, section 2.1. Reading: where overlapping windows share a maximum, their values add there, as in the
    transpose of the pooling that the switches define. If values in a window are equal, the first is the maximum, row by row.

    `pooling` is the window over the values that it takes; `on_maps` tells whether their axes are those of the model's maps.
    """

    saves = True

    def __init__(self, pool_size: Sequence[int], strides: Sequence[int], padding: str, on_maps: bool = True) -> None:
        super().__init__(lambda inputs: tf.nn.max_pool(inputs, pool_size, strides, padding.upper()))
        self.pooling = sliding_window(pool_size, strides, padding)
        self.window, self.local = self.pooling if on_maps else None, on_maps
        self.no_switch = no_switch(self.pooling.size)

    def save(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Switches `(N, ..., maps)`: the place of each maximum in its window."""
        return fused(lambda maps: find_switches(maps, self.pooling), inputs[0])

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Unpooled signal, of the shape of the input."""
        return [cut_padding(self.spread(signal, saved)[0], self.pooling, shapes[0])]

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """A window of the signal unpooled, padding included, perhaps with zeros appended."""
        return [fused(lambda signal, switches: unpool(signal, switches, self.pooling), signal, saved)]


def no_switch(size: Sequence[int]) -> int:
    """A switch that is no position of a window of `size`: values with it are dropped."""
    return _kind(size).max


def find_switches(inputs: tf.Tensor, window: Window) -> tf.Tensor:
    """Finds the place of each maximum in its window (Zeiler & Fergus 2013, section 2.1, "Unpooling").

    `inputs` is a float tensor `(N, H, W, maps)`, or one with one or three spatial axes; all sizes but N are known. Returns an integer
    tensor `(N, h, w, maps)`: `row * width + column` in the window; the first of equal values.
    """
    sizes = inputs.shape[1:-1]
    before = window.padding(sizes)
    lengths = [
        -(-length // step) if pad is None else (length - size) // step + 1 for size, step, pad, length in zip(*window, sizes, strict=True)
    ]
    after = [max(span - pad - length, 0) for span, pad, length in zip(window.span(lengths), before, sizes, strict=True)]
    # Nothing is less than the padding, so no maximum lies there.
    best = tf.pad(inputs, [[0, 0], *([*sides] for sides in zip(before, after, strict=True)), [0, 0]], constant_values=inputs.dtype.min)
    # First along rows, then along columns: of equal values that finds the first in reading order.
    places = None
    for axis in reversed(range(len(sizes))):
        best, places = _along(best, places, axis + 1, window, lengths[axis])
    return tf.cast(places, _kind(window.size))


def unpool(signal: tf.Tensor, switches: tf.Tensor, window: Window) -> tf.Tensor:
    """Puts each value of a signal `(M, h, w, maps)`, all but M known, where its maximum was; where windows share a maximum, values add.

    Places beyond those of the switches are left out. Returns a float tensor `(M, H, W, maps)`: the union of the windows, padding included,
    and perhaps more rows and columns of zeros, since cutting them off would cost as much as the rest. There may be one or three spatial
    axes instead of two.
    """
    lengths = switches.shape[1:-1]
    signal = signal[:, *(slice(length) for length in lengths)]
    if math.prod(window.size) > MANY_POSITIONS:
        return _scattered(signal, switches, window)
    taps = [-(-length // step) for length, step in zip(window.size, window.strides, strict=True)]
    # Padded once, so that every step below is a slice: where XLA has to pad in each, it takes twice the time.
    around = [[0, 0], *([tap - 1, tap - 1] for tap in taps), [0, 0]]
    padded = tf.pad(signal, around), tf.pad(switches, around, constant_values=no_switch(window.size))
    phases = _phases(*padded, window, taps, ())
    reached = zip(phases.shape[1:-1:2], window.strides, strict=True)
    return tf.reshape(phases, (-1, *(length * step for length, step in reached), signal.shape[-1]))


def _kind(size):
    return tf.uint8 if math.prod(size) < tf.uint8.max else tf.int32


def _along(best, places, axis, window, length):
    size, step = window.size[axis - 1], window.strides[axis - 1]
    unit = math.prod(window.size[axis:])
    chosen = None
    for offset in range(size):
        every = [slice(None)] * axis + [slice(offset, offset + (length - 1) * step + 1, step)]
        value = best[tuple(every)]
        place = unit * offset + (tf.zeros(tf.shape(value), tf.int32) if places is None else places[tuple(every)])
        if chosen is None:
            maximum, chosen = value, place
        else:
            maximum, chosen = tf.maximum(maximum, value), tf.where(value > maximum, place, chosen)
    return maximum, chosen


# The rows of the result that are `phase` modulo the stride receive from the window's rows `phase, phase + stride, ...` alone. The
# same holds along every other axis.


def _phases(signal, switches, window, taps, chosen):
    axis = len(chosen)
    if axis == len(window.size):
        return _phase(signal, switches, window, taps, chosen)
    # (M, h, row phases, w, column phases, maps)
    return tf.stack([_phases(signal, switches, window, taps, (*chosen, phase)) for phase in range(window.strides[axis])], axis=axis + 2)


def _phase(signal, switches, window, taps, phase):
    lengths = [length - tap + 1 for length, tap in zip(signal.shape[1:-1], taps, strict=True)]
    total = tf.zeros([tf.shape(signal)[0], *lengths, signal.shape[-1]], signal.dtype)
    for offsets in itertools.product(*map(range, phase, window.size, window.strides)):
        starts = [tap - 1 - offset // step for offset, step, tap in zip(offsets, window.strides, taps, strict=True)]
        part = (slice(None), *(slice(start, start + length) for start, length in zip(starts, lengths, strict=True)))
        here = switches[part] == tf.constant(np.ravel_multi_index(offsets, window.size), switches.dtype)
        total += tf.where(here, signal[part], 0)
    return total


def _scattered(signal, switches, window):
    examples, lengths, maps = tf.shape(signal, tf.int64)[0], signal.shape[1:-1], signal.shape[-1]
    sizes = window.span(lengths)
    exists = switches != no_switch(window.size)
    places = tf.where(exists, tf.cast(switches, tf.int64), 0)
    targets = tf.reshape(tf.range(examples), (-1, *[1] * (len(sizes) + 1)))
    for axis, (length, step, size) in enumerate(zip(lengths, window.strides, sizes, strict=True)):
        start = tf.reshape(tf.range(length, dtype=tf.int64) * step, (length, *[1] * (len(sizes) - axis)))
        targets = targets * size + start + places // math.prod(window.size[axis + 1 :]) % window.size[axis]
    targets = targets * maps + tf.range(maps, dtype=tf.int64)
    values = tf.where(exists, signal, 0)
    total = tf.math.unsorted_segment_sum(tf.reshape(values, [-1]), tf.reshape(targets, [-1]), examples * (math.prod(sizes) * maps))
    return tf.reshape(total, (-1, *sizes, maps))
