"""Which rules a Keras layer follows: the one table to extend for a further kind of layer."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.rule import Affine, PassThrough, Rectify, Softmax
from zfnet.model.deconvnet.rules.window import POINT, WHOLE, Window, sliding_window
from zfnet.model.net.contrast_normalization import ContrastNormalization
from zfnet.model.net.mean_image import MeanImage


def find_rules(layer: keras.layers.Layer) -> list:
    """The rules that a layer follows, from its input to its output.

    A layer with an activation is two operations, the linear one and the activation, and has a rule for each.

    Args:
        layer: any layer of a Keras model.

    Returns:
        Rules with `function(*inputs) -> output`, `up(inputs) -> (output, switches)`, `down(signal, shapes, switches) -> signals` and
        `window`.

    Raises:
        ValueError: if a deconvnet is not defined for the layer; the message names it, its type and what is supported.
    """
    # Exactly these types: what a subclass does in its `call` is not known.
    rules = RULES.get(type(layer))
    if rules is None:
        raise ValueError(
            f"Layer {layer.name!r} is a {type(layer).__name__}, for which no deconvnet is defined here. "
            f"Supported are: {', '.join(sorted(kind.__name__ for kind in RULES))}."
        )
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise ValueError(f"Layer {layer.name!r} has data_format='channels_first'; expected 'channels_last'.")
    return rules(layer)


def _convolution(layer):
    window = sliding_window(layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate)
    return [Affine(lambda inputs: _biased(layer, layer.convolution_op(inputs, layer.kernel)), window), *_activation(layer)]


def _dense(layer):
    return [Affine(lambda inputs: _biased(layer, keras.ops.matmul(inputs, layer.kernel))), *_activation(layer)]


def _biased(layer, outputs):
    # TensorFlow fuses this operation with a convolution below and a ReLU above it, but not a plain sum.
    return tf.nn.bias_add(outputs, layer.bias) if layer.use_bias else outputs


def _activation(layer):
    name = getattr(layer.activation, "__name__", type(layer.activation).__name__)
    rules = {"linear": [], "softmax": [Softmax(layer.activation)]}
    rules |= {rectifier: [Rectify(layer.activation)] for rectifier in ("relu", "relu6", "leaky_relu")}
    if name not in rules:
        raise ValueError(f"Layer {layer.name!r} has the activation {name!r}; a deconvnet is defined for: {', '.join(rules)}.")
    return rules[name]


def _max_pool(layer):
    return [MaxPool(layer.pool_size, layer.strides, layer.padding)]


def _average_pool(layer):
    return [Affine(layer, sliding_window(layer.pool_size, layer.strides, layer.padding))]


def _shifted(padding, sign: int):
    (top, _), (left, _) = padding
    return Window((1, 1), before=(sign * top, sign * left))


def _affine(window: Window | None = POINT) -> Callable:
    return lambda layer: [Affine(layer, window)]


def _affine_of_list(layer):
    return [Affine(lambda *inputs: layer(list(inputs)))]


RULES: dict[type, Callable[[keras.layers.Layer], list]] = {
    ContrastNormalization: lambda layer: [PassThrough(layer)],
    MeanImage: _affine(),
    layers.Activation: _activation,
    layers.Add: _affine_of_list,
    layers.AveragePooling2D: _average_pool,
    layers.BatchNormalization: lambda layer: [Affine(lambda inputs: layer(inputs, training=False))],
    layers.Concatenate: _affine_of_list,
    layers.Conv2D: _convolution,
    layers.Cropping2D: lambda layer: [Affine(layer, _shifted(layer.cropping, -1))],
    layers.Dense: _dense,
    layers.Dropout: lambda layer: [PassThrough(lambda inputs: inputs)],
    layers.Flatten: _affine(WHOLE),
    layers.GlobalAveragePooling2D: _affine(WHOLE),
    layers.LeakyReLU: lambda layer: [Rectify(layer)],
    layers.MaxPooling2D: _max_pool,
    layers.Normalization: _affine(),
    layers.ReLU: lambda layer: [Rectify(layer)],
    layers.Rescaling: _affine(),
    layers.Reshape: _affine(WHOLE),
    layers.Softmax: lambda layer: [Softmax(layer)],
    layers.UpSampling2D: _affine(None),
    layers.ZeroPadding2D: lambda layer: [Affine(layer, _shifted(layer.padding, 1))],
}
