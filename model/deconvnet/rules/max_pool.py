"""Max pooling with switches: the position of each maximum, and unpooling to those positions."""

import math

import tensorflow as tf

from zfnet.model.deconvnet.rules.fused import fused
from zfnet.model.deconvnet.rules.rule import PassThrough, Saved, Window, cut_padding, sliding_window

# Windows of more positions are unpooled by scattering: slower than a sum over their positions, but it does not grow with them.
MANY_POSITIONS = 64


class MaxPool(PassThrough):
    """Max pooling; backward unpooling, which puts each value where its maximum was in the forward pass.

    Zeiler & Fergus 2013, section 2.1. Reading: where overlapping windows share a maximum, their values add there, as in the
    transpose of the pooling that the switches define. If values in a window are equal, the first is the maximum, row by row.
    """

    window: Window
    saves = True

    def __init__(self, pool_size: tuple[int, int], strides: tuple[int, int], padding: str) -> None:
        super().__init__(lambda inputs: tf.nn.max_pool2d(inputs, pool_size, strides, padding.upper()))
        self.window = sliding_window(pool_size, strides, padding)
        self.no_switch = no_switch(pool_size)

    def save(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Switches `(N, h, w, maps)`: the place of each maximum in its window."""
        return fused(lambda maps: find_switches(maps, self.window), inputs[0])

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Unpooled signal, of the shape of the input."""
        return [cut_padding(self.spread(signal, saved), self.window, shapes[0])]

    def spread(self, signal: tf.Tensor, saved: Saved) -> tf.Tensor:
        """A window of the signal unpooled, padding included, perhaps with zeros appended."""
        return fused(lambda signal, switches: unpool(signal, switches, self.window), signal, saved)


def no_switch(size: tuple[int, int]) -> int:
    """A switch that is no position of a window of `size`: values with it are dropped."""
    return _kind(size).max


def find_switches(inputs: tf.Tensor, window: Window) -> tf.Tensor:
    """Finds the place of each maximum in its window (Zeiler & Fergus 2013, section 2.1, "Unpooling").

    `inputs` is a float tensor `(N, H, W, maps)`, all but N known. Returns an integer tensor `(N, h, w, maps)`: `row * width + column` in
    the window; the first of equal values.
    """
    before = window.padding(inputs.shape[1:3])
    lengths = [
        -(-length // step) if pad is None else (length - size) // step + 1
        for size, step, pad, length in zip(*window, inputs.shape[1:3], strict=True)
    ]
    after = [max(span - pad - length, 0) for span, pad, length in zip(window.span(lengths), before, inputs.shape[1:3], strict=True)]
    # Nothing is less than the padding, so no maximum lies there.
    best = tf.pad(inputs, [[0, 0], *([*sides] for sides in zip(before, after, strict=True)), [0, 0]], constant_values=inputs.dtype.min)
    # First along rows, then along columns: of equal values that finds the first in reading order.
    places = None
    for axis in (2, 1):
        best, places = _along(best, places, axis, window, lengths[axis - 1])
    return tf.cast(places, _kind(window.size))


def unpool(signal: tf.Tensor, switches: tf.Tensor, window: Window) -> tf.Tensor:
    """Puts each value of a signal `(M, h, w, maps)`, all but M known, where its maximum was; where windows share a maximum, values add.

    Rows and columns beyond those of the switches are left out. Returns a float tensor `(M, H, W, maps)`: the union of the windows, padding
    included, and perhaps more rows and columns of zeros, since cutting them off would cost as much as the rest.
    """
    signal = signal[:, : switches.shape[1], : switches.shape[2]]
    if math.prod(window.size) > MANY_POSITIONS:
        return _scattered(signal, switches, window)
    # The rows of the result that are `phase` modulo the stride receive from the window's rows `phase, phase + stride, ...` alone.
    down, across = window.strides
    rows = [tf.stack([_phase(signal, switches, window, row, column) for column in range(across)], axis=3) for row in range(down)]
    phases = tf.stack(rows, axis=2)
    return tf.reshape(phases, (-1, phases.shape[1] * down, phases.shape[3] * across, signal.shape[3]))


def _kind(size):
    return tf.uint8 if math.prod(size) < tf.uint8.max else tf.int32


def _along(best, places, axis, window, length):
    size, step = window.size[axis - 1], window.strides[axis - 1]
    unit = 1 if axis == 2 else window.size[1]
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


def _phase(signal, switches, window, row, column):
    (height, width), (down, across) = window.size, window.strides
    taps = -(-height // down), -(-width // across)

    def placed(values, later):
        return tf.pad(values, [[0, 0], *([place, tap - 1 - place] for place, tap in zip(later, taps, strict=True)), [0, 0]])

    total = placed(tf.zeros_like(signal), (0, 0))
    for first in range(row, height, down):
        for second in range(column, width, across):
            here = switches == tf.constant(first * width + second, switches.dtype)
            total += placed(tf.where(here, signal, 0), (first // down, second // across))
    return total


def _scattered(signal, switches, window):
    examples, lengths, maps = tf.shape(signal, tf.int64)[0], signal.shape[1:3], signal.shape[3]
    height, width = window.span(lengths)
    exists = switches != no_switch(window.size)
    places = tf.where(exists, tf.cast(switches, tf.int64), 0)
    rows = tf.range(lengths[0], dtype=tf.int64)[:, None, None] * window.strides[0] + places // window.size[1]
    columns = tf.range(lengths[1], dtype=tf.int64)[:, None] * window.strides[1] + places % window.size[1]
    example = tf.range(examples)[:, None, None, None]
    targets = ((example * height + rows) * width + columns) * maps + tf.range(maps, dtype=tf.int64)
    values = tf.where(exists, signal, 0)
    total = tf.math.unsorted_segment_sum(tf.reshape(values, [-1]), tf.reshape(targets, [-1]), examples * (height * width * maps))
    return tf.reshape(total, (-1, height, width, maps))
