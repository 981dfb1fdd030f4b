"""Max pooling with switches: where each maximum was, and the unpooling that puts values back there."""

import tensorflow as tf

from zfnet.model.deconvnet.rules.fused import fused
from zfnet.model.deconvnet.rules.rule import Kept, PassThrough
from zfnet.model.deconvnet.rules.sliding import cut_padding
from zfnet.model.deconvnet.rules.switches import find_switches, nowhere, unpool
from zfnet.model.deconvnet.rules.window import Window, sliding_window


class MaxPool(PassThrough):
    """Max pooling upwards; downwards unpooling, which puts each value where its maximum was on the way up.

    Zeiler & Fergus 2013, section 2.1. Reading: where overlapping windows share a maximum, their values add there, as the
    transpose of the pooling that the switches define. Of equal values in a window the first is its maximum, row by row.

    Args:
        pool_size: `(height, width)` of the window, in positions.
        strides: `(height, width)` of its steps.
        padding: `"same"` or `"valid"`.
    """

    window: Window
    keeps = True

    def __init__(self, pool_size: tuple[int, int], strides: tuple[int, int], padding: str) -> None:
        super().__init__(lambda inputs: tf.nn.max_pool2d(inputs, pool_size, strides, padding.upper()))
        self.window = sliding_window(pool_size, strides, padding)
        self.nowhere = nowhere(pool_size)

    def keep(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Returns the switches `(N, h, w, maps)`: of each maximum, its place in its window."""
        return fused(lambda maps: find_switches(maps, self.window), inputs[0])

    def down(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], kept: Kept) -> list[tf.Tensor]:
        """Returns the unpooled signal, of the shape of the input."""
        return [cut_padding(self.spread(signal, kept), self.window, shapes[0])]

    def spread(self, signal: tf.Tensor, kept: Kept) -> tf.Tensor:
        """Returns a window of the signal unpooled, padding included, and perhaps more zeros behind it."""
        return fused(lambda signal, switches: unpool(signal, switches, self.window), signal, kept)
