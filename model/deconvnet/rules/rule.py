"""What a deconvnet needs to know of one operation: how it goes up, and how a signal comes down through it."""

from collections.abc import Callable

import tensorflow as tf

from zfnet.model.deconvnet.rules.window import POINT, Window

Function = Callable[..., tf.Tensor]


class PassThrough:
    """An operation that the deconvnet leaves out on the way down: the signal passes unchanged.

    Contrast normalisation (Zeiler & Fergus, ECCV 2014, section 2.1) and dropout.

    Args:
        function: the operation upwards, of one tensor, keeping its shape.
    """

    window: Window | None = POINT

    def __init__(self, function: Function):
        self.function = function

    def up(self, inputs):
        """Returns the output, and the switches where there are any."""
        return self.function(*inputs), None

    def down(self, signal, shapes, switches):
        """Returns the signal for each input; `shapes` are the inputs' shapes without the batch."""
        return [signal]


class Softmax(PassThrough):
    """The softmax above the logits: the name of its layer stands for the logits, and projections start there."""


class Rectify(PassThrough):
    """ReLU, ReLU6 or leaky ReLU: downwards it is `relu` of the signal, whatever it was upwards.

    Zeiler & Fergus 2013, section 2.1: not the mask of the forward pass, which would be the gradient.
    """

    def down(self, signal, shapes, switches):
        """Returns the positive part of the signal."""
        return [tf.nn.relu(signal)]


class Affine(PassThrough):
    """A linear map and perhaps a bias: downwards it is the transposed map, without the bias.

    A convolution is `y = Cx + b` with a matrix C made from its filters; its deconvolution is `C^T y`. The gradient of a linear map
    is its transpose, so TensorFlow's gradient of the operation is the exact `C^T` for every stride, padding, dilation and group.

    Args:
        function: the operation upwards, of one or several tensors.
        window: what one output position sees; `None` if the outputs differ in that.
    """

    def __init__(self, function: Function, window: Window | None = POINT):
        super().__init__(function)
        self.window = window

    def down(self, signal, shapes, switches):
        """Returns the transposed map of the signal, one result for each input."""
        # Any input has the same gradient. Nothing of this forward pass is computed: the gradient does not depend on its values.
        inputs = [tf.zeros(tf.concat([tf.shape(signal)[:1], shape], 0), signal.dtype) for shape in shapes]
        for placeholder, shape in zip(inputs, shapes, strict=True):
            placeholder.set_shape([None, *shape])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = self.function(*inputs)
        return tape.gradient(output, inputs, output_gradients=signal)
