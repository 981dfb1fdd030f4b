"""Backward rules: how an operation runs forward, and how a signal is back-projected through it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import tensorflow as tf


class Window(NamedTuple):
    """Size, steps and padding of an operation that slides over its input, each `(height, width)` in positions below.

    Attributes:
        size: of the window, holes of a dilation included.
        strides: between the windows of neighbouring positions.
        before: rows and columns of padding before the first; negative if some are cut off; `None` for `same` padding, which
            depends on the size of the input.
    """

    size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    before: tuple[int | None, int | None] = (0, 0)

    def padding(self, lengths: Sequence[int | None]) -> tuple[int, int]:
        """Rows and columns of padding before the first, for an input of `lengths` `(height, width)`.

        Raises:
            ValueError: if the padding depends on a length that is not known.
        """
        rows, columns = (_padding(*numbers) for numbers in zip(self.size, self.strides, self.before, lengths, strict=True))
        return rows, columns

    def seen(self, lengths: Sequence[int]) -> tuple[int, int]:
        """Size of the window that `lengths` neighbouring positions see together."""
        height, width = ((length - 1) * step + size for size, step, length in zip(self.size, self.strides, lengths, strict=True))
        return height, width


POINT = Window((1, 1))
# Every output sees all of the input.
WHOLE = Window((0, 0))


def sliding_window(size: tuple[int, int], strides: tuple[int, int], padding: str, dilation: tuple[int, int] = (1, 1)) -> Window:
    """The window of a Keras convolution or pooling.

    Args:
        size: `kernel_size` or `pool_size`.
        strides: the layer's strides.
        padding: `"same"` or `"valid"`.
        dilation: the layer's dilation rate.

    Returns:
        The window.
    """
    height, width = ((length - 1) * rate + 1 for length, rate in zip(size, dilation, strict=True))
    down, across = strides
    return Window((height, width), (down, across), (None, None) if padding == "same" else (0, 0))


def _padding(size: int, step: int, before: int | None, length: int | None) -> int:
    if before is not None:
        return before
    if step == 1:
        return (size - 1) // 2
    if length is None:
        raise ValueError("The model leaves its input's size open, so `same` padding is not known; build it for one size.")
    # What TensorFlow's SAME padding adds before.
    return max((-(-length // step) - 1) * step + size - length, 0) // 2


Function = Callable[..., tf.Tensor]
# What a rule keeps of a forward pass.
Kept: TypeAlias = tf.Tensor | list[tf.Tensor] | None


class PassThrough:
    """An operation that the deconvnet leaves out on the way down: the signal passes unchanged.

    Contrast normalisation (Zeiler & Fergus, ECCV 2014, section 2.1), dropout, and whatever does nothing when a net is used.

    Args:
        function: the operation upwards, of one tensor, keeping its shape.

    Attributes:
        window: what one output position sees of the input; `None` if the outputs differ in that.
        local: whether `spread` works: whether a window of the signal can come down without the rest of its map.
        keeps: whether the way down needs something of the way up: `keep`.
        no_switch: of a rule that keeps switches, the one that puts a value nowhere.
    """

    window: Window | None = POINT
    local = True
    keeps = False
    no_switch: int

    def __init__(self, function: Function) -> None:
        self.function = function

    def keep(self, inputs: list[tf.Tensor]) -> Kept:
        """What `down` and `spread` need of a forward pass, a tensor or several, one row an example; `None` if `keeps` is false."""
        return None

    def down(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], kept: Kept) -> list[tf.Tensor]:
        """Brings a signal down.

        Args:
            signal: float tensor, of the shape of the operation's output.
            shapes: of the operation's inputs, without the batch.
            kept: what `keep` returned, one row for each row of the signal.

        Returns:
            The signal for each input.
        """
        return [self.spread(signal, kept)]

    def spread(self, signal: tf.Tensor, kept: Kept) -> tf.Tensor:
        """Brings a window `(M, h, w, maps)` of a signal down to the window that it sees together.

        That includes padding, and perhaps more rows and columns of zeros behind.
        """
        return signal


class Readout(PassThrough):
    """The softmax or sigmoid above the logits: the name of its layer stands for the logits, and projections start there."""


class Rectify(PassThrough):
    """ReLU, ReLU6, leaky or parametric ReLU: downwards it is `relu` of the signal, whatever it was upwards.

    Zeiler & Fergus 2013, section 2.1: not the mask of the forward pass, which would be the gradient.
    """

    def spread(self, signal: tf.Tensor, kept: Kept) -> tf.Tensor:
        """Returns the positive part of the signal."""
        return tf.nn.relu(signal)


class Affine(PassThrough):
    """A linear map and perhaps a bias: downwards it is the transposed map, without the bias.

    A convolution is `y = Cx + b` with a matrix C made from its filters; its deconvolution is `C^T y`. The gradient of a linear map
    is its transpose, so TensorFlow's gradient of the operation is the exact `C^T` for every stride, padding, dilation and group.

    Args:
        function: the operation upwards, of one or several tensors.
        window: what one output position sees; `None` if the outputs differ in that.
        local: whether the map is the same at every position, so that windows of a signal can come down alone.
    """

    def __init__(self, function: Function, window: Window | None = POINT, local: bool = False) -> None:
        super().__init__(function)
        self.window, self.local = window, local

    def down(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], kept: Kept) -> list[tf.Tensor]:
        """Returns the transposed map of the signal, one result for each input."""
        return transposed(self.function, signal, shapes)

    def spread(self, signal: tf.Tensor, kept: Kept) -> tf.Tensor:
        """Returns the transposed map of a window of the signal."""
        return transposed(self.function, signal, [signal.shape[1:]])[0]


class Shift(Affine):
    """Zero padding and cropping: what comes down only gets other coordinates."""

    def __init__(self, function: Function, before: tuple[int, int]) -> None:
        super().__init__(function, Window((1, 1), before=before), local=True)

    def spread(self, signal: tf.Tensor, kept: Kept) -> tf.Tensor:
        """Returns the window as it is."""
        return signal


class Gradient(PassThrough):
    """An operation that the deconvnet has no rule for: downwards its plain gradient, at the values of the forward pass.

    Args:
        function: the operation upwards, of one or several tensors.
        window: what one output position sees; `None` if that is not known.
    """

    local = False
    keeps = True

    def __init__(self, function: Function, window: Window | None = None) -> None:
        super().__init__(function)
        self.window = window

    def keep(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the inputs."""
        return list(inputs)

    def down(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], kept: Kept) -> list[tf.Tensor]:
        """Returns the signal times the Jacobian at the recorded inputs."""
        return _gradient(self.function, kept, signal)


def transposed(function: Function, signal: tf.Tensor, shapes: list[tuple[int, ...]]) -> list[tf.Tensor]:
    """The transpose of an affine map, applied to a signal.

    Args:
        function: an affine map of one or several tensors.
        signal: float tensor `(M, ...)` of the shape of its output.
        shapes: of its inputs, without the batch.

    Returns:
        A tensor for each input.
    """
    # Any input has the same gradient. Nothing of this forward pass is computed: the gradient does not depend on its values.
    inputs = [tf.zeros(tf.concat([tf.shape(signal)[:1], shape], 0), signal.dtype) for shape in shapes]
    for placeholder, shape in zip(inputs, shapes, strict=True):
        placeholder.set_shape([None, *shape])
    return _gradient(function, inputs, signal)


def _gradient(function, inputs, signal):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = function(*inputs)
    return tape.gradient(output, inputs, output_gradients=signal, unconnected_gradients=tf.UnconnectedGradients.ZERO)


class Sliding(Affine):
    """An affine map that slides: a convolution of any kind, an average pooling without padding.

    Args:
        function: the operation upwards.
        window: what one output position sees.
        unpadded: the same map with `valid` padding.
        channels: maps of its input.
    """

    window: Window

    def __init__(self, function: Function, window: Window, unpadded: Function, channels: int) -> None:
        super().__init__(function, window, local=True)
        self.unpadded, self.channels = unpadded, channels

    def spread(self, signal: tf.Tensor, kept: Kept) -> tf.Tensor:
        """Returns the transpose of the unpadded map."""
        size = self.window.seen(tuple(signal.shape[1:3]))
        return transposed(self.unpadded, signal, [(*size, self.channels)])[0]


def cut_padding(spread: tf.Tensor, window: Window, shape: tuple[int, ...]) -> tf.Tensor:
    """Cuts what a whole map spreads to down to the map below.

    Args:
        spread: float tensor `(M, h, w, maps)`, padding included.
        window: of the operation.
        shape: `(height, width, maps)` of the map below.

    Returns:
        Float tensor `(M, *shape)`: padding cut off, and zeros where no window reaches.
    """
    before = window.padding(shape[:2])
    inside = spread[:, before[0] : before[0] + shape[0], before[1] : before[1] + shape[1]]
    missing = [length - reached for length, reached in zip(shape[:2], inside.shape[1:3], strict=True)]
    return tf.pad(inside, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]) if any(missing) else inside
