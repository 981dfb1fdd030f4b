"""Max pooling with switches: where each maximum was, and the unpooling that puts values back there."""

import tensorflow as tf

from zfnet.model.deconvnet.rules.window import sliding_window


class MaxPool:
    """Max pooling upwards; downwards unpooling, which puts each value where its maximum was on the way up.

    Zeiler & Fergus 2013, section 2.1. Reading: where overlapping windows share a maximum, their values add there, as the
    transpose of the pooling that the switches define.

    Args:
        pool_size: `(height, width)` of the window, in positions.
        strides: `(height, width)` of its steps.
        padding: `"same"` or `"valid"`.
    """

    def __init__(self, pool_size: tuple[int, int], strides: tuple[int, int], padding: str):
        self.pool_size, self.strides, self.padding = pool_size, strides, padding.upper()
        self.window = sliding_window(pool_size, strides, padding)

    def function(self, inputs):
        """Returns the maxima alone, which is much cheaper."""
        return tf.nn.max_pool2d(inputs, self.pool_size, self.strides, self.padding)

    def up(self, inputs):
        """Returns the maxima, and as switches the place of each in its flattened `(height, width, maps)` input."""
        return tf.nn.max_pool_with_argmax(inputs[0], self.pool_size, self.strides, self.padding, output_dtype=tf.int64)

    def down(self, signal, shapes, switches):
        """Returns the unpooled signal, of the shape of the input."""
        height, width, maps = shapes[0]
        size = height * width * maps
        examples = tf.shape(signal, tf.int64)[0]
        places = switches + (tf.range(examples) * size)[:, None, None, None]
        flat = tf.math.unsorted_segment_sum(tf.reshape(signal, [-1]), tf.reshape(places, [-1]), examples * size)
        return [tf.reshape(flat, [-1, height, width, maps])]
