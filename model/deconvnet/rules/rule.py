"""Backward rules: how a signal is back-projected through an operation."""

from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

from zfnet.model.deconvnet.rules.window import POINT, Window

Function = Callable[..., tf.Tensor]
# Tensors that a rule saves in a forward pass.
Saved: TypeAlias = tf.Tensor | list[tf.Tensor] | None


class PassThrough:
    """An operation that the backward pass skips: the signal passes unchanged.

    Contrast normalisation (Zeiler & Fergus, ECCV 2014, section 2.1), dropout, and whatever does nothing at inference.

    Attributes:
        function: the forward operation; for this class, of one tensor, keeping its shape.
        window: window of the input that one output position depends on; `None` if outputs differ in that.
        local: whether `spread` works, that is, a window of the signal can be back-projected without the rest of its map.
        saves: whether the backward pass needs tensors of the forward pass, from `save`.
        varies: whether the backward pass multiplies by other numbers at other places, those of `numbers`.
        no_switch: for a rule that saves switches, the one that drops a value.
        gates: numbers of the inputs that count as constants; their signal is zero.
    """

    window: Window | None = POINT
    local = True
    saves = False
    varies = False
    gates: tuple[int, ...] = ()
    no_switch: int | None = None

    def __init__(self, function: Function) -> None:
        self.function = function

    @property
    def reach(self) -> Window | None:
        """Window of each input that the signal of one position comes to by `spread`; `None` if `spread` does not work."""
        return self.window if self.local else None

    def output_shape(self, shapes: list[tuple[int | None, ...]], dtype: str) -> tuple[int | None, ...]:
        """Shape of the output without the batch, for inputs of `shapes` and `dtype`; `None` for a size that they leave open."""
        taken = [tf.TensorSpec((None, *shape), dtype) for shape in shapes]
        return tuple(tf.function(self.function, autograph=False).get_concrete_function(*taken).structured_outputs.shape[1:])

    def save(self, inputs: list[tf.Tensor]) -> Saved:
        """Tensors of a forward pass that `backward` and `spread` need, one row an example; `None` if `saves` is false."""
        return None

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Back-projects a signal to each input.

        Args:
            signal: float tensor, of the shape of the operation's output.
            shapes: of the operation's inputs, without the batch.
            saved: result of `save`, one row for each row of the signal.
        """
        return self.spread(signal, saved)

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """Back-projects a window `(M, ..., maps)` of a signal to the window of each input that it depends on.

        That includes padding, and perhaps more rows and columns of zeros at the end. `saved` are the windows, of the same places, of the
        maps from `save` or `numbers`.
        """
        return [signal]

    def numbers(self, shapes: list[tuple[int, ...]], dtype: tf.DType) -> list[tf.Tensor]:
        """Maps `(1, ..., maps)` of a number for every place of the output, for inputs of `shapes`, if the rule `varies`."""
        return []


class Readout(PassThrough):
    """The softmax or sigmoid above the logits: the name of its layer means the logits, and projections start there."""


class Rectify(PassThrough):
    """ReLU, ReLU6, leaky or parametric ReLU; backward `relu` of the signal.

    Zeiler & Fergus 2013, section 2.1: not the mask of the forward pass, which would be the gradient.
    """

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """Positive part of the signal."""
        return [tf.nn.relu(signal)]


class Affine(PassThrough):
    """A linear map of one or several tensors, with an optional bias; backward the transposed map, without the bias.

    A convolution is `y = Cx + b` with a matrix C made from its filters; its deconvolution is `C^T y`. The gradient of a linear map
    is its transpose, so TensorFlow's gradient of the operation is the exact `C^T` for every stride, padding, dilation and group.
    It is `local` if the map is the same at every position; `channels` are then the numbers of maps of its inputs, if it changes that.
    """

    def __init__(self, function: Function, window: Window | None = POINT, local: bool = False, channels: tuple[int, ...] = ()) -> None:
        super().__init__(function)
        self.window, self.local, self.channels = window, local, channels

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Transposed map of the signal, one result for each input."""
        return transposed(self.function, signal, shapes)

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """Transposed map of a window of the signal."""
        return transposed(self.function, signal, [(*signal.shape[1:-1], count) for count in self.channels or signal.shape[-1:]])


class Shift(Affine):
    """Zero padding and cropping: the signal only gets other coordinates."""

    def __init__(self, function: Function, before: tuple[int, ...]) -> None:
        ones = (1,) * len(before)
        super().__init__(function, Window(ones, ones, before), local=True)

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """The window as it is."""
        return [signal]


class AtInputs(PassThrough):
    """An operation whose backward pass needs its inputs of the forward pass."""

    local = False
    saves = True

    def __init__(self, function: Function, window: Window | None = None) -> None:
        super().__init__(function)
        self.window = window

    def save(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        """The inputs."""
        return list(inputs)


class Gradient(AtInputs):
    """An operation without a backward rule; backward its plain gradient, at the inputs of the forward pass."""

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Signal times the Jacobian at the recorded inputs."""
        return _gradient(self.function, saved, signal)


class Frozen(AtInputs):
    """An operation with a part that counts as a constant; backward the gradient of the rest, at the inputs of the forward pass.

    `frozen` is the function with `tf.stop_gradient` around that part, perhaps without its bias. `gates` as in `PassThrough`. It is `local`
    if it does the same at every place, to the signal there alone; a gate may be one number for all places of a map.
    """

    def __init__(
        self, function: Function, frozen: Function, window: Window | None, gates: tuple[int, ...] = (), local: bool = False
    ) -> None:
        super().__init__(function, window)
        self.frozen, self.gates, self.local = frozen, gates, local

    @property
    def reach(self) -> Window | None:
        """The same place, even where the gates depend on more."""
        return POINT if self.local else None

    def spread(self, signal: tf.Tensor, saved: Saved) -> list[tf.Tensor]:
        """A window of the signal times the Jacobian there."""
        return _gradient(self.frozen, saved, signal)

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Signal times the Jacobian of the frozen function at the recorded inputs."""
        return _gradient(self.frozen, saved, signal)


def transposed(function: Function, signal: tf.Tensor, shapes: list[tuple[int, ...]]) -> list[tf.Tensor]:
    """Applies the transpose of an affine map to a signal `(M, ...)`; `shapes` are those of its inputs, without the batch."""
    # Any input has the same gradient, so TensorFlow leaves out the forward pass.
    inputs = [tf.zeros(tf.concat([tf.shape(signal)[:1], shape], 0), signal.dtype) for shape in shapes]
    for placeholder, shape in zip(inputs, shapes, strict=True):
        placeholder.set_shape([None, *shape])
    return _gradient(function, inputs, signal)


def _gradient(function, inputs, signal):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = function(*inputs)
    return tape.gradient(output, inputs, output_gradients=signal, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def cut_padding(spread: tf.Tensor, window: Window, shape: tuple[int, ...]) -> tf.Tensor:
    """Cuts a result of `spread` for a whole map to the map below, of `shape`; zeros where no window reaches."""
    lengths = shape[:-1]
    before = window.padding(lengths)
    inside = spread[:, *(slice(pad, pad + length) for pad, length in zip(before, lengths, strict=True))]
    missing = [length - reached for length, reached in zip(lengths, inside.shape[1:-1], strict=True)]
    return tf.pad(inside, [[0, 0], *([0, after] for after in missing), [0, 0]]) if any(missing) else inside
