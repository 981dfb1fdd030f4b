"""Backward rules by layer type, operation and activation function: the tables to extend for a new one."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import activations, layers, ops

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.convolution import Convolution
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.rule import (
    POINT,
    WHOLE,
    Affine,
    Function,
    PassThrough,
    Readout,
    Rectify,
    Shift,
    Sliding,
    Window,
    sliding_window,
)
from zfnet.model.net.layers import ContrastNormalization, MeanImage

LAST = "channels_last"
Rules = Callable[[Call], list[PassThrough]]


def _average_pool(call: Call) -> list[PassThrough]:
    layer = call.layer
    window = sliding_window(layer.pool_size, layer.strides, layer.padding)
    # With `same` padding, the border's averages are over fewer positions than others, so that not all windows are alike.
    if layer.padding == "same":
        return [Affine(call.function, window)]
    return [Sliding(call.function, window, call.function, call.channels)]


def _batch_normalization(call: Call) -> list[PassThrough]:
    axis = call.layer.axis
    by_map = axis in ((1, -3) if call.channels_first else (-1, 3))
    return [Affine(call.function, POINT, local=by_map)]


def _convolution(call: Call) -> list[PassThrough]:
    layer = call.layer

    def slide(inputs, padding):
        return ops.conv(inputs, call.weight("kernel"), layer.strides, padding, LAST, layer.dilation_rate)

    if layer.groups > 1 or max(layer.dilation_rate) > 1:
        return _sliding(call, slide, layer.kernel_size, layer.dilation_rate, call.channels)
    window = sliding_window(layer.kernel_size, layer.strides, layer.padding)
    whole = _biased(call, lambda inputs: slide(inputs, layer.padding))
    return [Convolution(whole, lambda: call.weight("kernel"), layer.strides, window, call.channels), *activation_rules(call)]


def _dense(call: Call) -> list[PassThrough]:
    function = _biased(call, lambda inputs: ops.matmul(inputs, call.weight("kernel")))
    return [Affine(call.channels_last(function)), *activation_rules(call)]


def _depthwise_convolution(call: Call) -> list[PassThrough]:
    layer = call.layer

    def slide(inputs, padding):
        return ops.depthwise_conv(inputs, call.weight("kernel"), layer.strides, padding, LAST, layer.dilation_rate)

    return _sliding(call, slide, layer.kernel_size, layer.dilation_rate, call.channels)


def _global_max_pool(call: Call) -> list[PassThrough]:
    height, width = call.shapes[0][:2]
    if height is None or width is None:
        raise ValueError(
            f"Layer {call.layer.name!r} pools a map of {height} x {width}, whose switches can't be laid out; build the model for one size."
        )
    size = height, width
    shape = (-1, 1, 1, call.channels) if call.layer.keepdims else (-1, call.channels)
    return [MaxPool(size, size, "valid"), Affine(lambda inputs: tf.reshape(inputs, shape), WHOLE)]


def _max_pool(call: Call) -> list[PassThrough]:
    return [MaxPool(call.layer.pool_size, call.layer.strides, call.layer.padding)]


def _normalization(call: Call) -> list[PassThrough]:
    # Mean and variance of each map, or of all: the same at every position.
    return [Affine(call.function, POINT, local=call.layer.axis in ((), *([(1,), (-3,)] if call.channels_first else [(3,), (-1,)])))]


def _rescaling(call: Call) -> list[PassThrough]:
    return [Affine(call.function, POINT, local=np.ndim(call.layer.scale) <= 1 and not call.channels_first)]


def _separable_convolution(call: Call) -> list[PassThrough]:
    layer = call.layer

    def slide(inputs, padding):
        kernels = call.weight("depthwise_kernel"), call.weight("pointwise_kernel")
        return ops.separable_conv(inputs, *kernels, layer.strides, padding, LAST, layer.dilation_rate)

    return _sliding(call, slide, layer.kernel_size, layer.dilation_rate, call.channels)


def _shift(sign: int) -> Rules:
    def rules(call: Call) -> list[PassThrough]:
        layer = call.layer
        (top, _), (left, _) = layer.padding if sign > 0 else layer.cropping
        return [Shift(call.function, (sign * top, sign * left))]

    return rules


def _transposed_convolution(call: Call) -> list[PassThrough]:
    layer = call.layer

    def function(inputs):
        shape = layer.padding, layer.output_padding, LAST, layer.dilation_rate
        return ops.conv_transpose(inputs, call.weight("kernel"), list(layer.strides), *shape)

    return [Affine(_biased(call, function), None), *activation_rules(call)]


def activation_rules(call: Call) -> list[PassThrough]:
    """The rules of a layer's activation: one, or none for `linear`.

    Args:
        call: of a layer with an `activation`.

    Returns:
        The rules.

    Raises:
        ValueError: if a deconvnet is not defined for the activation.
    """
    activation = call.layer.activation
    if activation is activations.linear:
        return []
    # Exactly these functions: one of a user's own may be named like one of them.
    kind = Rectify if type(activation) in RECTIFYING_LAYERS else ACTIVATIONS.get(activation)
    function = call.channels_last(activation)
    if kind is not None:
        return [kind(function)]
    name = getattr(activation, "__name__", type(activation).__name__)
    expected = ["linear", *(known.__name__ for known in ACTIVATIONS)]
    return call.without_rule(f"is of type {type(call.layer).__name__}, with the activation {name!r}", expected, function, POINT)


def affine(window: Window | None = POINT) -> Rules:
    """Makes rules for a linear map of which one output sees `window`."""
    return lambda call: [Affine(call.function, window)]


def concatenation(call: Call) -> list[PassThrough]:
    """Rules of joining maps, of which rows or columns joined have no single receptive field."""
    along_maps = call.layer.axis in ((1, -3) if call.channels_first else (3, -1)) or len(call.shapes[0]) != 3
    return [Affine(call.function, POINT if along_maps else None)]


def rule(kind: type[PassThrough]) -> Rules:
    """Makes rules of one that is told no more than its function."""
    return lambda call: [kind(call.function)]


LAYERS: dict[type, Rules] = {
    ContrastNormalization: rule(PassThrough),
    # Its map is the identity: the mean is a bias.
    MeanImage: rule(PassThrough),
    layers.Activation: activation_rules,
    layers.ActivityRegularization: rule(PassThrough),
    layers.Add: affine(),
    layers.Average: affine(),
    layers.AveragePooling2D: _average_pool,
    layers.BatchNormalization: _batch_normalization,
    layers.CenterCrop: affine(None),
    layers.Concatenate: concatenation,
    layers.Conv2D: _convolution,
    layers.Conv2DTranspose: _transposed_convolution,
    layers.Cropping2D: _shift(-1),
    layers.Dense: _dense,
    layers.DepthwiseConv2D: _depthwise_convolution,
    layers.Dropout: rule(PassThrough),
    layers.Flatten: affine(WHOLE),
    layers.GaussianDropout: rule(PassThrough),
    layers.GaussianNoise: rule(PassThrough),
    layers.GlobalAveragePooling2D: affine(WHOLE),
    layers.GlobalMaxPooling2D: _global_max_pool,
    layers.Identity: rule(PassThrough),
    layers.LeakyReLU: rule(Rectify),
    layers.MaxPooling2D: _max_pool,
    layers.Normalization: _normalization,
    layers.PReLU: rule(Rectify),
    layers.Permute: affine(None),
    layers.RandomBrightness: rule(PassThrough),
    layers.RandomContrast: rule(PassThrough),
    layers.RandomFlip: rule(PassThrough),
    layers.RandomRotation: rule(PassThrough),
    layers.RandomTranslation: rule(PassThrough),
    layers.RandomZoom: rule(PassThrough),
    layers.ReLU: rule(Rectify),
    layers.Rescaling: _rescaling,
    layers.Reshape: affine(WHOLE),
    layers.SeparableConv2D: _separable_convolution,
    layers.Softmax: rule(Readout),
    layers.SpatialDropout2D: rule(PassThrough),
    layers.Subtract: affine(),
    layers.UpSampling2D: affine(None),
    layers.ZeroPadding2D: _shift(1),
}
ACTIVATIONS: dict[Callable, type[PassThrough]] = {
    activations.relu: Rectify,
    activations.relu6: Rectify,
    activations.leaky_relu: Rectify,
    activations.softmax: Readout,
    activations.sigmoid: Readout,
}
# Of these an instance can be given as an activation.
RECTIFYING_LAYERS = (layers.ReLU, layers.LeakyReLU, layers.PReLU)


def _sliding(call: Call, slide: Callable, kernel_size: tuple[int, int], dilation: tuple[int, int], channels: int) -> list[PassThrough]:
    layer = call.layer
    window = sliding_window(kernel_size, layer.strides, layer.padding, dilation)
    whole = _biased(call, lambda inputs: slide(inputs, layer.padding))
    return [Sliding(whole, window, lambda inputs: slide(inputs, "valid"), channels), *activation_rules(call)]


def _biased(call: Call, function: Function) -> Function:
    # TensorFlow fuses this operation with a convolution below and a ReLU above it, but not a plain sum.
    return (lambda inputs: tf.nn.bias_add(function(inputs), call.weight("bias"))) if call.layer.use_bias else function


def _product(call: Call) -> list[PassThrough]:
    if len(call.shapes) == 1:
        return [Affine(call.function)]
    return call.without_rule("is the product of two activations, linear in neither", ["a product with numbers"], call.function)


def _quotient(call: Call) -> list[PassThrough]:
    if len(call.shapes) == 1 and isinstance(call.arguments[0], keras.KerasTensor):
        return [Affine(call.function)]
    return call.without_rule("divides by an activation, in which nothing is linear", ["a quotient by numbers"], call.function)


# Names of the classes behind the functions of `keras.ops`, `keras.activations` and the operators of symbolic tensors.
OPERATIONS: dict[str, Rules] = {
    "Add": affine(),
    "Subtract": affine(),
    "Negative": affine(),
    "Multiply": _product,
    "TrueDivide": _quotient,
    "Concatenate": concatenation,
    "Identity": rule(PassThrough),
    "Reshape": affine(WHOLE),
    "Mean": affine(WHOLE),
    "ReLU": rule(Rectify),
    "Relu": rule(Rectify),
    "Relu6": rule(Rectify),
    "LeakyRelu": rule(Rectify),
    "Softmax": rule(Readout),
    "Sigmoid": rule(Readout),
}


def find_rules(call: Call) -> list[PassThrough]:
    """The rules that a call follows, from its input to its output.

    A layer with an activation is two operations, the linear one and the activation, and has a rule for each.

    Args:
        call: of any layer or operation.

    Returns:
        Rules (see `PassThrough`).

    Raises:
        ValueError: if a deconvnet is not defined for it; the message names it, its type, what is expected and what can be done.
    """
    kind = type(call.layer)
    is_layer = isinstance(call.layer, keras.Layer)
    # Exactly these types, and Keras' own operations: what a subclass does in its `call` is not known.
    by_name = OPERATIONS if kind.__module__.startswith("keras.src.") else {}
    rules = LAYERS.get(kind) if is_layer else by_name.get(kind.__name__)
    if rules is None:
        expected = sorted(layer.__name__ for layer in LAYERS) if is_layer else sorted(OPERATIONS)
        return call.without_rule(f"is of type {kind.__name__}", expected, call.function)
    if getattr(call.layer, "quantization_mode", None):
        return call.without_rule(
            f"is of type {kind.__name__}, quantized to {call.layer.quantization_mode}", ["one not quantized"], call.function
        )
    found = rules(call)
    if _is_laid_out_otherwise(call) and any(type(rule) is not PassThrough for rule in found):
        return call.without_rule(f"is of type {kind.__name__}, channels_last in a channels_first model", ["channels_first"], call.function)
    return found


def _is_laid_out_otherwise(call: Call) -> bool:
    # All rules take it that maps are laid out as the model's first channels_first layer says; flattening follows either.
    layout = getattr(call.layer, "data_format", None)
    return call.channels_first and layout == "channels_last" and not isinstance(call.layer, keras.layers.Flatten)
