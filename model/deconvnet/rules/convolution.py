"""Convolutions and other sliding maps, and their transposes in the form that runs fastest."""

import math
from collections.abc import Callable

import tensorflow as tf

from zfnet.model.deconvnet.rules.fused import fused
from zfnet.model.deconvnet.rules.rule import Affine, Function, Saved, cut_padding, transposed
from zfnet.model.deconvnet.rules.window import Window

# Up to this many positions and filter places, one matrix product and a sum of its parts beats TensorFlow's transposed convolution.
FEW_POSITIONS = 64
FEW_PLACES = 25
# Most channels that an image has.
FEW_CHANNELS = 4


class Sliding(Affine):
    """An affine map that slides: a convolution of any kind, an average pooling without padding.

    `unpadded` is the same map with `valid` padding, and `channels` the number of maps of its input.
    """

    window: Window

    def __init__(self, function: Function, window: Window, unpadded: Function, channels: int) -> None:
        super().__init__(function, window, True, (channels,))
        self.unpadded = unpadded

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """Transpose of the unpadded map."""
        size = self.window.span(tuple(signal.shape[1:-1]))
        return transposed(self.unpadded, signal, [(*size, *self.channels)])


class Convolution(Sliding):
    """A convolution of images or signals `y = Cx + b` without dilation or groups; backward `C^T y`.

    Zeiler & Fergus 2013, section 2.1, "Filtering": the transposed filters, without the bias. `kernel` returns the current filters
    `(height, width, channels, maps)`, or `(length, channels, maps)`; the other arguments are as in `Sliding`.
    """

    def __init__(
        self, function: Function, kernel: Callable[[], tf.Tensor], strides: tuple[int, ...], window: Window, channels: int
    ) -> None:
        super().__init__(function, window, lambda inputs: tf.nn.convolution(inputs, kernel(), strides, "VALID"), channels)
        self.kernel, self.strides = kernel, tuple(strides)

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Transposed map of the signal."""
        return [cut_padding(self.spread(signal, saved)[0], self.window, shapes[0])]

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """Transposed map of a window of the signal, padding included, perhaps with zeros appended."""
        kernel = tf.convert_to_tensor(self.kernel())
        if len(self.strides) == 1:
            # A signal is an image of one row.
            return [_spread(signal[:, None], kernel[None], (1, *self.strides))[:, 0]]
        return [_spread(signal, kernel, self.strides)]


class Depthwise(Sliding):
    """A convolution of each map of images by itself, without dilation.

    `kernel` returns the current filters `(height, width, channels, multiplier)`, `padding` is that of the layer, the other arguments are
    as in `Sliding`. The gradient operation is called by name: autodiff would run the forward pass where nothing is compiled.
    """

    def __init__(
        self, function: Function, kernel: Callable[[], tf.Tensor], strides: tuple[int, ...], padding: str, window: Window, channels: int
    ) -> None:
        super().__init__(function, window, function, channels)
        self.kernel, self.strides, self.padding = kernel, (1, *strides, 1), padding.upper()

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Transposed map of the signal."""
        return [self._sent(signal, shapes[0][:-1], self.padding)]

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """Transpose of the unpadded map."""
        return [self._sent(signal, self.window.span(tuple(signal.shape[1:-1])), "VALID")]

    def _sent(self, signal: tf.Tensor, size: tuple[int, ...], padding: str) -> tf.Tensor:
        shape = (tf.shape(signal)[0], *size, *self.channels)
        return tf.nn.depthwise_conv2d_backprop_input(shape, self.kernel(), signal, self.strides, padding)


def _spread(signal, kernel, strides):
    positions, places = math.prod(signal.shape[1:3]), math.prod(kernel.shape[:2])
    if positions == 1 or (strides == (1, 1) and positions <= FEW_POSITIONS and 1 < places <= FEW_PLACES):
        sent = tf.matmul(tf.reshape(signal, (-1, kernel.shape[3])), tf.reshape(kernel, (-1, kernel.shape[3])), transpose_b=True)
        tiles = tf.reshape(sent, (-1, *signal.shape[1:3], *kernel.shape[:3]))
        return tiles[:, 0, 0] if positions == 1 else fused(_overlaid, tiles)
    if kernel.shape[2] <= FEW_CHANNELS and places > 1:
        return _by_rows(signal, kernel, strides)
    if strides == (1, 1) or min(kernel.shape[:2]) < max(strides):
        size = [(length - 1) * step + span for length, step, span in zip(signal.shape[1:3], strides, kernel.shape[:2], strict=True)]
        return tf.nn.conv2d_transpose(signal, kernel, (tf.shape(signal)[0], *size, kernel.shape[2]), strides, "VALID")
    return _by_phases(signal, kernel, strides)


def _overlaid(tiles):
    # Each position contributes to each place of its window; overlapping windows add.
    height, width = tiles.shape[3:5]
    return sum(
        tf.pad(tiles[:, :, :, row, column], [[0, 0], [row, height - 1 - row], [column, width - 1 - column], [0, 0]])
        for row in range(height)
        for column in range(width)
    )


# With stride s, the rows of the result that are `phase` modulo s come from the filter's rows `phase, phase + s, ...` alone. So the
# transpose is a few convolutions of stride 1, which run at the speed of a matrix product; TensorFlow's own is up to three times slower.


def _by_phases(signal, kernel, strides):
    taps = [-(-length // step) for length, step in zip(kernel.shape[:2], strides, strict=True)]
    rows = []
    for row in range(strides[0]):
        columns = []
        for column in range(strides[1]):
            part = tf.transpose(tf.reverse(kernel[row :: strides[0], column :: strides[1]], (0, 1)), (0, 1, 3, 2))
            padding = [[length - 1, tap - 1] for length, tap in zip(part.shape[:2], taps, strict=True)]
            columns.append(tf.nn.conv2d(signal, part, 1, [[0, 0], *padding, [0, 0]]))
        rows.append(tf.stack(columns, axis=3))
    # (M, h, row phases, w, column phases, channels)
    return _merged(tf.stack(rows, axis=2))


def _by_rows(signal, kernel, strides):
    # With the few channels of an image, phases would leave most of a vector register empty. So rows go as above, all in one
    # convolution, and columns as parts of its result that are added up.
    (height, width, channels, maps), (down, across) = kernel.shape, strides
    taps = -(-height // down)
    kernel = tf.pad(kernel, [[0, taps * down - height], [0, 0], [0, 0], [0, 0]])
    kernel = tf.reverse(tf.reshape(kernel, (taps, down, width, channels, maps)), (0,))
    kernel = tf.reshape(tf.transpose(kernel, (0, 4, 1, 2, 3)), (taps, 1, maps, down * width * channels))
    parts = tf.nn.conv2d(signal, kernel, 1, [[0, 0], [taps - 1, taps - 1], [0, 0], [0, 0]])
    return fused(lambda parts: _add_columns(parts, (down, width, channels), across), parts)


def _add_columns(parts, shape, across):
    parts = tf.reshape(parts, (-1, *parts.shape[1:3], *shape))
    width = shape[1]
    taps = -(-width // across)
    phases = []
    for column in range(across):
        total = tf.pad(tf.zeros_like(parts[:, :, :, :, 0]), [[0, 0], [0, 0], [0, taps - 1], [0, 0], [0, 0]])
        for place in range(column, width, across):
            later = place // across
            total += tf.pad(parts[:, :, :, :, place], [[0, 0], [0, 0], [later, taps - 1 - later], [0, 0], [0, 0]])
        phases.append(total)
    # (M, h, w, row phases, column phases, channels)
    return _merged(tf.transpose(tf.stack(phases, axis=4), (0, 1, 3, 2, 4, 5)))


def _merged(phases):
    _, height, down, width, across, channels = phases.shape
    return tf.reshape(phases, (-1, height * down, width * across, channels))
