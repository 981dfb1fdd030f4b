"""The largest value along some axes, which returns to the place that it came from."""

import math

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.rules.axes import window_across
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import PassThrough, Saved


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
