"""Backward rules by layer type and operation: the tables to extend for a new one."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras import layers, ops

from zfnet.model.deconvnet.rules.activation import LIKE_RELU, activation_rules, operation_function, readout
from zfnet.model.deconvnet.rules.axes import linear, window_across
from zfnet.model.deconvnet.rules.by_place import batch_normalization, by_place, concatenation, rescaling, stored_normalization
from zfnet.model.deconvnet.rules.call import LAST, Call, Rules
from zfnet.model.deconvnet.rules.chosen.gate import gated_product
from zfnet.model.deconvnet.rules.chosen.normalization import NORMALIZATIONS, fixed_deviation
from zfnet.model.deconvnet.rules.convolution import Convolution, Depthwise, Sliding
from zfnet.model.deconvnet.rules.in_use import function_in_use
from zfnet.model.deconvnet.rules.linear_layers import linear_layer, time_distributed
from zfnet.model.deconvnet.rules.linear_operations import LINEAR_OPERATIONS, move, reshaping, resizing
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.move import Move
from zfnet.model.deconvnet.rules.pooling import adaptive_average_pool, adaptive_max_pool, average_pool, global_max_pool, max_pool
from zfnet.model.deconvnet.rules.rule import Affine, Function, PassThrough, Rectify, Shift
from zfnet.model.deconvnet.rules.unchanged import IN_TRAINING_ALONE, pass_through, random_crop
from zfnet.model.deconvnet.rules.window import POINT, WHOLE, Window, sliding_window
from zfnet.model.deconvnet.separate_images import mixed_images
from zfnet.model.net.layers import ContrastNormalization, MeanImage


def _convolution(call: Call) -> list[PassThrough]:
    layer = call.layer
    if not call.on_maps or layer.rank == 3 or layer.groups > 1 or max(layer.dilation_rate) > 1 or layer.padding == "causal":
        return _sliding(ops.conv, "kernel")(call)

    def convolve(inputs):
        return ops.conv(inputs, call.weight("kernel"), layer.strides, layer.padding, LAST, layer.dilation_rate)

    window = sliding_window(layer.kernel_size, layer.strides, layer.padding)
    rule = Convolution(_biased(call, convolve), lambda: call.weight("kernel"), layer.strides, window, call.channels)
    return [rule, *activation_rules(call)]


def _depthwise(call: Call) -> list[PassThrough]:
    layer = call.layer
    sliding, *activations = _sliding(ops.depthwise_conv, "kernel")(call)
    if not (isinstance(sliding, Sliding) and layer.rank == 2 and max(layer.dilation_rate) == 1):
        return [sliding, *activations]
    rule = Depthwise(sliding.function, lambda: call.weight("kernel"), layer.strides, layer.padding, sliding.window, call.channels)
    return [rule, *activations]


def _dense(call: Call) -> list[PassThrough]:
    function = call.channels_last(_biased(call, lambda inputs: ops.matmul(inputs, call.weight("kernel"))))
    window = window_across(call, -1)
    on_maps = window == POINT and call.on_maps
    return [Affine(function, window, local=on_maps, channels=(call.channels,) if on_maps else ()), *activation_rules(call)]


def _shift(sign: int) -> Rules:
    def rules(call: Call) -> list[PassThrough]:
        if not call.on_maps:
            return linear(call)
        if call.channels_first and not hasattr(call.layer, "data_format"):
            # Cropping1D takes any maps as if they were channels-last: it crops the channels of others.
            return move(call)
        # Two numbers for each axis: before and after.
        pairs = np.reshape(call.layer.padding if sign > 0 else call.layer.cropping, (-1, 2))
        return [Shift(call.function, tuple(sign * int(before) for before, _ in pairs))]

    return rules


def _sliding(operation: Callable, *weights: str) -> Rules:
    """Rules of a convolution of any kind: an operation of `keras.ops` with weights of the layer."""

    def rules(call: Call) -> list[PassThrough]:
        layer = call.layer
        if not call.on_maps:
            return linear_layer(call)

        def slide(inputs, padding):
            if padding == "causal":
                inputs, padding = tf.pad(inputs, [[0, 0], [window.size[0] - 1, 0], [0, 0]]), "valid"
            return operation(inputs, *map(call.weight, weights), layer.strides, padding, LAST, layer.dilation_rate)

        window = sliding_window(layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate)
        whole = _biased(call, lambda inputs: slide(inputs, layer.padding))
        return [Sliding(whole, window, lambda inputs: slide(inputs, "valid"), call.channels), *activation_rules(call)]

    return rules


def _transposed_convolution(call: Call) -> list[PassThrough]:
    layer = call.layer
    if not call.on_maps:
        return linear_layer(call)

    def function(inputs):
        shape = layer.padding, layer.output_padding, LAST, layer.dilation_rate
        return ops.conv_transpose(inputs, call.weight("kernel"), list(layer.strides), *shape)

    return [Affine(_biased(call, function), None), *activation_rules(call)]


def _affine(window: Window | None = POINT) -> Rules:
    return lambda call: [Affine(call.function, window)]


def _rule(kind: type[PassThrough]) -> Rules:
    return lambda call: [kind(call.function)]


def _biased(call: Call, function: Function) -> Function:
    # TensorFlow fuses this operation with a convolution below and a ReLU above it, but not a plain sum.
    return (lambda inputs: tf.nn.bias_add(function(inputs), call.weight("bias"))) if call.layer.use_bias else function


def _pipeline(call: Call) -> list[PassThrough]:
    found: list[PassThrough] = []
    tensor, shape = call.inputs[0], call.shapes[0]
    for layer in call.layer.layers:
        function, given = call.channels_last(function_in_use(layer)), layer.compute_output_spec(tensor)
        inner = dataclasses.replace(call, layer=layer, function=function, shapes=[shape], inputs=[tensor], output=given)
        for rule in find_rules(inner):
            shape = rule.output_shape([shape], call.dtype)
            found.append(rule)
        tensor = given
    return found


# Types that share a rule are on one line, the others in alphabetical order.
LAYERS: dict[type, Rules] = {
    **dict.fromkeys(IN_TRAINING_ALONE, pass_through),
    # The linear part of MeanImage is the identity: the mean is a bias.
    **dict.fromkeys((ContrastNormalization, MeanImage, layers.ActivityRegularization, layers.Identity), _rule(PassThrough)),
    **dict.fromkeys((layers.LeakyReLU, layers.PReLU, layers.ReLU), _rule(Rectify)),
    **dict.fromkeys((layers.Add, layers.Average, layers.Subtract), by_place),
    **dict.fromkeys((layers.CenterCrop, layers.Permute), move),
    **dict.fromkeys((layers.RepeatVector, layers.Reshape), reshaping),
    # One rule for signals, images and volumes.
    **dict.fromkeys(
        (layers.AdaptiveAveragePooling1D, layers.AdaptiveAveragePooling2D, layers.AdaptiveAveragePooling3D), adaptive_average_pool
    ),
    **dict.fromkeys((layers.AdaptiveMaxPooling1D, layers.AdaptiveMaxPooling2D, layers.AdaptiveMaxPooling3D), adaptive_max_pool),
    **dict.fromkeys((layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D), average_pool),
    **dict.fromkeys((layers.Conv1D, layers.Conv2D, layers.Conv3D), _convolution),
    **dict.fromkeys((layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose), _transposed_convolution),
    **dict.fromkeys((layers.Cropping1D, layers.Cropping2D, layers.Cropping3D), _shift(-1)),
    **dict.fromkeys((layers.DepthwiseConv1D, layers.DepthwiseConv2D), _depthwise),
    **dict.fromkeys((layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D), _affine(WHOLE)),
    **dict.fromkeys((layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D), global_max_pool),
    **dict.fromkeys((layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D), max_pool),
    **dict.fromkeys((layers.SeparableConv1D, layers.SeparableConv2D), _sliding(ops.separable_conv, "depthwise_kernel", "pointwise_kernel")),
    **dict.fromkeys((layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D), _affine(None)),
    **dict.fromkeys((layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D), _shift(1)),
    layers.Activation: activation_rules,
    layers.BatchNormalization: batch_normalization,
    layers.Concatenate: concatenation,
    layers.Dense: _dense,
    layers.EinsumDense: linear_layer,
    layers.Flatten: _affine(WHOLE),
    layers.Normalization: stored_normalization,
    layers.Pipeline: _pipeline,
    layers.RandomCrop: random_crop,
    layers.Rescaling: rescaling,
    layers.Resizing: resizing,
    layers.Softmax: readout,
    # In use the wrapper does what the layer in it does.
    layers.SpectralNormalization: lambda call: find_rules(dataclasses.replace(call, layer=call.layer.layer)),
    layers.TimeDistributed: lambda call: time_distributed(find_rules)(call),
}
# Names of the classes behind the functions of `keras.ops`, `keras.activations` and the operators of symbolic tensors.
OPERATIONS: dict[str, Rules] = {
    **LINEAR_OPERATIONS,
    **dict.fromkeys(("ReLU", "Relu", "Relu6", "LeakyRelu"), _rule(Rectify)),
    **dict.fromkeys(("Softmax", "Sigmoid"), readout),
}
# Layers inside of Keras' own nets, which have no public name.
INSIDE_NETS: dict[str, Rules] = {
    "CustomScaleLayer": by_place,
    "LayerScale": lambda call: [Affine(call.function, POINT, local=True)],
    "StochasticDepth": pass_through,
}
# Rules of later papers, for layers without a rule in the deconvnet's own paper.
LITERATURE: dict[type | str, Rules] = {
    **dict.fromkeys(NORMALIZATIONS, fixed_deviation),
    **{"".join(map(str.capitalize, name.split("_"))): _rule(Rectify) for name in LIKE_RELU},
    layers.ELU: _rule(Rectify),
    layers.Multiply: gated_product,
}


def find_rules(call: Call) -> list[PassThrough]:
    """Finds the rules of a call, from its input to its output; a layer with an activation has two.

    A rule that the user chose comes first. If there is none at all, a ValueError names the layer, its type, the types that have rules, and
    the options.
    """
    kind, is_layer = type(call.layer), call.is_layer
    if tuple(call.output.shape[:1]) not in ((None,), tuple(call.inputs[0].shape[:1])):
        raise mixed_images(call.layer)
    # Exactly these types, and Keras' own operations: a subclass may do anything in its `call`.
    of_keras = kind.__module__.startswith("keras.src.")
    function = operation_function(kind.__name__) if of_keras and not is_layer else None
    if (chosen := call.choose(call, call.name, call.layer.name, kind, *([function] if function else []))) is not None:
        return chosen
    by_name = (INSIDE_NETS if is_layer else OPERATIONS) if of_keras else {}
    rules = LAYERS.get(kind) or by_name.get(kind.__name__)
    if rules is None:
        linear = "a linear operation", "a relu", "another one that docs/deconvnet.md lists"
        expected = sorted(layer.__name__ for layer in LAYERS) if is_layer else linear
        of_papers = LITERATURE.get(kind if is_layer or not of_keras else kind.__name__)
        return call.without_rule(f"is of type {kind.__name__}", expected, call.function, literature=of_papers)
    if getattr(call.layer, "quantization_mode", None):
        quantized = f"is of type {kind.__name__}, quantized to {call.layer.quantization_mode}"
        return call.without_rule(quantized, ["one not quantized"], call.function)
    found = rules(call)
    if "float" not in call.output.dtype and any(type(rule) not in (PassThrough, Move, MaxPool) for rule in found):
        raise ValueError(
            f"Layer {call.layer.name!r} is of type {kind.__name__} and computes in {call.output.dtype}, which rounds or overflows. "
            "Expected an input of type float32: build the model with one, or cast to it first."
        )
    # All rules assume the layout of the model's first channels_first layer; flattening follows either.
    other_layout = (
        call.channels_first and call.on_maps and getattr(call.layer, "data_format", None) == "channels_last" and kind is not layers.Flatten
    )
    if other_layout and any(type(rule) is not PassThrough for rule in found):
        return call.in_other_layout()
    return found
