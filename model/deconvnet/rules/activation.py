"""Backward rules of activation functions: the table to extend for a new one."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import activations, layers, ops

from zfnet.model.deconvnet.rules.axes import window_across
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.in_use import function_in_use
from zfnet.model.deconvnet.rules.rule import Gradient, PassThrough, Readout, Rectify
from zfnet.model.deconvnet.rules.window import POINT, Window

ACTIVATIONS: dict[str, type[PassThrough]] = {
    "relu": Rectify,
    "relu6": Rectify,
    "leaky_relu": Rectify,
    "softmax": Readout,
    "sigmoid": Readout,
}
# Relatives of ReLU: near 0 for much smaller numbers than 0, near their input for much larger ones.
LIKE_RELU = ("celu", "elu", "gelu", "hard_silu", "mish", "selu", "silu", "softplus", "sparse_plus", "squareplus")
LIBRARIES = activations, ops, tf.nn
# Exactly these functions, of three libraries: a user's own may have the same name.
FUNCTIONS: dict[Callable, type[PassThrough]] = {getattr(library, name): rule for name, rule in ACTIVATIONS.items() for library in LIBRARIES}
# Layers that can be given as an activation.
LAYERS: dict[type, type[PassThrough]] = {layers.LeakyReLU: Rectify, layers.PReLU: Rectify, layers.ReLU: Rectify, layers.Softmax: Readout}


def is_linear(layer: Any) -> bool:
    """Whether a layer has an activation that changes nothing."""
    activation = _function(layer)
    return activation is activations.linear or activation is tf.identity or type(activation) is layers.Identity


def activation_rules(call: Call) -> list[PassThrough]:
    """Rules of a layer's activation, one or none."""
    if is_linear(call.layer):
        return []
    activation, known = call.layer.activation, _function(call.layer)
    kind = LAYERS.get(type(known)) or next((rule for function, rule in FUNCTIONS.items() if function is known), None)
    function = call.channels_last(function_in_use(activation) if isinstance(activation, layers.Layer) else activation)
    if kind is Readout:
        return [_readout(call, function)]
    alone = dataclasses.replace(call, function=function, shapes=[call.output_shape], inputs=[call.output], gates=())
    if (chosen := call.choose(alone, *_keys(known))) is not None:
        return chosen
    if kind is not None:
        return [kind(function)]
    name = getattr(known, "__name__", type(known).__name__)
    problem = f"is of type {type(call.layer).__name__}, with the activation {name!r}"
    expected = ["linear", *ACTIVATIONS, "as Keras or TensorFlow have them"]
    return call.without_rule(problem, expected, function, POINT, lambda _: [Rectify(function)] if _is_like_relu(known) else [])


def readout(call: Call) -> list[PassThrough]:
    """Rule of a call that is a softmax or sigmoid."""
    return [_readout(call, call.function)]


def hidden_readout(call: Call, is_gate: bool, window: Window | None) -> PassThrough:
    """Rule of a softmax or sigmoid below other layers, the function of `call`; the gradient for a gate, which gets no signal."""
    if is_gate:
        return Gradient(call.function, window)
    layer = call.layer
    while type(layer) in (layers.TimeDistributed, layers.SpectralNormalization):
        layer = layer.layer
    if hasattr(layer, "activation") and (chosen := call.choose(call, *_keys(_function(layer)))):
        return chosen[0]
    return call.without_rule("is a softmax or sigmoid below other layers", ["one at the end"], call.function, window)[0]


def keras_function(function: Callable) -> Callable:
    """The function of `keras.activations` that is the same as one of `keras.ops` or `tf.nn`; any other function itself."""
    for name, own in vars(activations).items():
        if any(function is getattr(library, name, None) for library in LIBRARIES):
            return own
    return function


def operation_function(name: str) -> Callable | None:
    """The function of `keras.activations` that the class of operations of this name computes; `None` for other classes."""
    return next((function for own, function in vars(activations).items() if own.replace("_", "") == name.lower()), None)


def _readout(call, function):
    rule = Readout(function)
    activation: Any = getattr(call.layer, "activation", call.layer)
    axis = -1
    while type(activation) in (layers.Activation, functools.partial):
        axis = getattr(activation, "keywords", {}).get("axis", axis)
        activation = activation.func if isinstance(activation, functools.partial) else activation.activation
    # A softmax may be over places.
    if "softmax" in getattr(activation, "__name__", type(activation).__name__).lower():
        rule.window = window_across(dataclasses.replace(call, inputs=[call.output]), getattr(activation, "axis", axis))
    return rule


def _keys(known):
    return type(known) if isinstance(known, layers.Layer) else keras_function(known), known


def _is_like_relu(known):
    return type(known) is layers.ELU or any(keras_function(known) is getattr(activations, name) for name in LIKE_RELU)


def _function(layer: Any) -> Any:
    # `Activation("relu")` and `functools.partial(tf.nn.leaky_relu, alpha=0.3)` may be given as an activation too.
    activation: Any = layer.activation
    while type(activation) in (layers.Activation, functools.partial):
        activation = activation.func if isinstance(activation, functools.partial) else activation.activation
    return activation
