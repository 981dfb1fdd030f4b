"""What a deconvnet needs to know of one operation: how it goes up, and how a signal comes down through it."""

from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

from zfnet.model.deconvnet.rules.window import POINT, Window

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
