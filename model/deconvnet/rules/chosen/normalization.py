"""Normalisations by statistics of the image itself, with the deviation as a constant: the rule "fixed-deviation"."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras import layers

from zfnet.model.deconvnet.rules.axes import window_across
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import Frozen, Function, PassThrough
from zfnet.model.deconvnet.rules.window import Window


def fixed_deviation(call: Call) -> list[PassThrough]:
    """Rule of a normalisation whose deviation counts as a constant, so that it is linear: centring and a scale.

    Ali et al. 2022 ("XAI for Transformers", section 4.2) detach the deviation of a LayerNormalization; Achtibat et al. 2024 (AttnLRP)
    arrive at the same rule. A ValueError is raised for other layers.
    """
    kind = type(call.layer)
    if kind not in NORMALIZATIONS:
        names = ", ".join(sorted(layer.__name__ for layer in NORMALIZATIONS))
        raise ValueError(f"Layer {call.layer.name!r} is of type {kind.__name__}; the rule 'fixed-deviation' is for {names}.")
    window = normalization_window(call)
    return [Frozen(call.function, call.channels_last(NORMALIZATIONS[kind](call)), window, local=window.is_point and call.on_maps)]


def normalization_window(call: Call) -> Window:
    """Window of a normalisation: the whole image if its statistics are over rows or columns."""
    over_all = range(1, len(call.inputs[0].shape))
    return window_across(call, over_all if type(call.layer) is layers.GroupNormalization else call.layer.axis)


# Each returns the layer's function without its bias, in the model's layout, in which the deviation has no gradient.
def _layer_normalization(call: Call) -> Function:
    layer, axes = call.layer, _axes(call)
    # With `rms_scaling`, Keras divides by the deviation too, without centring.
    return lambda inputs: _scaled(_divided(inputs, axes, layer.epsilon, not layer.rms_scaling), layer.gamma, axes)


def _rms_normalization(call: Call) -> Function:
    layer, axes = call.layer, _axes(call)

    def function(inputs):
        square = tf.reduce_mean(inputs**2, axes, keepdims=True)
        return _scaled(inputs * tf.stop_gradient(tf.math.rsqrt(square + layer.epsilon)), layer.scale, axes)

    return function


def _unit_normalization(call: Call) -> Function:
    axes = _axes(call)

    def function(inputs):
        return inputs * tf.stop_gradient(tf.math.rsqrt(tf.maximum(tf.reduce_sum(inputs**2, axes, keepdims=True), 1e-12)))

    return function


def _group_normalization(call: Call) -> Function:
    layer = call.layer
    (axis,) = _axes(call)

    def function(inputs):
        shape = tf.shape(inputs)
        length = inputs.shape[axis] // layer.groups
        groups = tf.reshape(inputs, tf.concat([shape[:axis], [layer.groups, length], shape[axis + 1 :]], 0))
        others = [other for other in range(1, inputs.shape.rank + 1) if other != axis]
        return _scaled(tf.reshape(_divided(groups, others, layer.epsilon, True), shape), layer.gamma, [axis])

    return function


def _axes(call: Call) -> list[int]:
    rank = len(call.inputs[0].shape)
    return sorted(axis % rank for axis in np.atleast_1d(call.layer.axis).tolist())


def _divided(inputs, axes, epsilon, centred):
    mean, variance = tf.nn.moments(inputs, axes, keepdims=True)
    return (inputs - mean if centred else inputs) * tf.stop_gradient(tf.math.rsqrt(variance + epsilon))


def _scaled(values, scale, axes):
    if scale is None:
        return values
    shape = [length if axis in axes else 1 for axis, length in enumerate(values.shape)]
    return values * tf.reshape(tf.cast(scale, values.dtype), [1 if length is None else length for length in shape])


NORMALIZATIONS: dict[type, Callable[[Call], Function]] = {
    layers.GroupNormalization: _group_normalization,
    layers.LayerNormalization: _layer_normalization,
    layers.RMSNormalization: _rms_normalization,
    layers.UnitNormalization: _unit_normalization,
}
