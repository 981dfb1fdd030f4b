"""Linear layers on other tensors than maps, and layers around another layer."""

import copy
import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import KerasTensor

from zfnet.model.deconvnet.rules.activation import activation_rules
from zfnet.model.deconvnet.rules.axes import linear
from zfnet.model.deconvnet.rules.call import Call, Rules
from zfnet.model.deconvnet.rules.in_use import function_in_use
from zfnet.model.deconvnet.rules.rule import Affine, Gradient, PassThrough, Readout, Rectify, Saved
from zfnet.model.deconvnet.rules.window import POINT, WHOLE, Window


def linear_layer(call: Call) -> list[PassThrough]:
    """The transpose of a layer from autodiff, without its activation, which has rules of its own."""
    if not hasattr(call.layer, "activation"):
        return linear(call)
    if call.on_maps and call.channels_first:
        return call.without_rule(f"is of type {type(call.layer).__name__}, in a channels_first model", ["channels_last"], call.function)
    # A copy has the same weights.
    plain = copy.copy(call.layer)
    plain.activation = keras.activations.linear
    return [Affine(function_in_use(plain), None), *activation_rules(call)]


class EachStep(PassThrough):
    """The rule of a layer at every step of a first axis: those of a `TimeDistributed` layer."""

    local = False

    def __init__(self, rule: PassThrough, window: Window | None) -> None:
        super().__init__(by_step(rule.function))
        self.rule, self.window, self.saves = rule, window, rule.saves

    def save(self, inputs: list[tf.Tensor]) -> Saved:
        """Saves the values of the layer's rule, one row an image."""
        steps = tf.shape(inputs[0])[1]
        return tf.nest.map_structure(lambda saved: _unfold(saved, steps), self.rule.save([_fold(inputs[0])]))

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """The signal back-projected at every step."""
        folded = None if saved is None else tf.nest.map_structure(_fold, saved)
        (below,) = self.rule.backward(_fold(signal), [shapes[0][1:]], folded)
        return [_unfold(below, tf.shape(signal)[1])]


def by_step(function: Callable) -> Callable:
    """Converts a function of tensors `(N, ...)` to one of `(N, steps, ...)`, that works on each step alike."""
    return lambda inputs: _unfold(function(_fold(inputs)), tf.shape(inputs)[1])


def time_distributed(find_rules: Rules) -> Rules:
    """Rules of a `TimeDistributed` layer, from those that `find_rules` gives for the layer in it."""

    def rules(call: Call) -> list[PassThrough]:
        layer = call.layer.layer
        if call.channels_first:
            return call.without_rule("is of type TimeDistributed, in a channels_first model", ["channels_last"], call.function)

        (shape,) = call.shapes
        taken, given = (KerasTensor((None, *tensor.shape[2:]), tensor.dtype) for tensor in (call.inputs[0], call.output))
        inner = dataclasses.replace(call, layer=layer, function=function_in_use(layer), arguments=(taken,), shapes=[shape[1:]])
        inner = dataclasses.replace(inner, inputs=[taken], output=given, channels_first=False, dims=max(len(shape) - 2, 0))
        return [_each_step(rule, _of_step(rule.window, call)) for rule in find_rules(inner)]

    return rules


def _of_step(window: Window | None, call: Call) -> Window | None:
    """Window, in maps whose rows are the steps, of a layer that has the given window at each step."""
    if window is None or window == WHOLE or len(call.shapes[0]) <= call.dims:
        return None
    if window.is_point:
        return POINT
    return Window((1, *window.size), (1, *window.strides), (0, *window.before)) if call.on_maps else None


def _each_step(rule: PassThrough, window: Window | None) -> PassThrough:
    if isinstance(rule, Readout) or (type(rule) in (PassThrough, Rectify) and rule.window == POINT):
        made = type(rule)(by_step(rule.function))
        made.window = POINT if rule.window == POINT else window
        return made
    if isinstance(rule, Gradient):
        return Gradient(by_step(rule.function), window)
    return EachStep(rule, window)


def _fold(tensor):
    folded = tf.reshape(tensor, tf.concat([[-1], tf.shape(tensor)[2:]], 0))
    folded.set_shape((None, *tensor.shape[2:]))
    return folded


def _unfold(tensor, steps):
    return tf.reshape(tensor, tf.concat([[-1, steps], tf.shape(tensor)[1:]], 0))
