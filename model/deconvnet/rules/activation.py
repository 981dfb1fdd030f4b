"""Backward rules of activation functions: the table to extend for a new one."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import activations, layers, ops

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.in_use import function_in_use
from zfnet.model.deconvnet.rules.rule import POINT, PassThrough, Readout, Rectify

ACTIVATIONS: dict[str, type[PassThrough]] = {
    "relu": Rectify,
    "relu6": Rectify,
    "leaky_relu": Rectify,
    "softmax": Readout,
    "sigmoid": Readout,
}
# Exactly these functions, of three libraries: a user's own may have the same name.
FUNCTIONS: dict[Callable, type[PassThrough]] = {
    getattr(library, name): rule for name, rule in ACTIVATIONS.items() for library in (activations, ops, tf.nn)
}
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
    if kind is not None:
        return [kind(function)]
    name = getattr(known, "__name__", type(known).__name__)
    problem = f"is of type {type(call.layer).__name__}, with the activation {name!r}"
    return call.without_rule(problem, ["linear", *ACTIVATIONS, "as Keras or TensorFlow have them"], function, POINT)


def _function(layer: Any) -> Any:
    # `Activation("relu")` and `functools.partial(tf.nn.leaky_relu, alpha=0.3)` may be given as an activation too.
    activation: Any = layer.activation
    while type(activation) in (layers.Activation, functools.partial):
        activation = activation.func if isinstance(activation, functools.partial) else activation.activation
    return activation
