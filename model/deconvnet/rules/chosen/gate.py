"""Gates as constants, the rule "fixed-gate": products of a signal and a gate, and activations that are their input times a factor."""

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.rules.axes import window_by_place
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.chosen.trial import is_by_value, random_inputs
from zfnet.model.deconvnet.rules.rule import Frozen, PassThrough
from zfnet.model.deconvnet.rules.window import POINT


def gated_product(call: Call) -> list[PassThrough]:
    """Rule of a product of a signal with gates that count as constants; none if it is not clear which input is the signal.

    Arras et al. 2017 ("signal-take-all"), for the gates of an LSTM; Pahde et al. 2023 for squeeze-and-excitation blocks. A gate is computed
    from the signal, or by a sigmoid or softmax, or else has fewer values than the product.
    """
    gates = call.gates or tuple(place for place, shape in enumerate(call.shapes) if _is_smaller(shape, call.output_shape))
    if len(call.shapes) - len(gates) != 1:
        return []

    def frozen(*inputs):
        return call.function(*(tf.stop_gradient(value) if place in gates else value for place, value in enumerate(inputs)))

    return [Frozen(call.function, frozen, window_by_place(call), gates, local=_is_by_place(call, gates))]


def fixed_gate(call: Call) -> list[PassThrough]:
    """Rule of a product with gates, or of an activation `x g(x)` whose factor `g(x)` counts as a constant.

    For activations this is the identity rule of AttnLRP (Achtibat et al. 2024), as a factor of the signal; `g(0)` is the slope at 0. A
    ValueError is raised if the signal of a product is not clear, or an activation is not 0 at 0.
    """
    if len(call.shapes) > 1:
        if found := gated_product(call):
            return found
        raise ValueError(
            f"Layer {call.layer.name!r} is of type {type(call.layer).__name__}, and it is not clear which of its {len(call.shapes)} inputs "
            "is the signal. For 'fixed-gate' every other input must be computed from it, or by a sigmoid, or be smaller."
        )
    zeros = tf.zeros_like(random_inputs(call)[0])
    if not is_by_value(call) or np.any(call.function(zeros)):
        raise ValueError(
            f"Layer {call.layer.name!r} is of type {type(call.layer).__name__}; the rule 'fixed-gate' is for products, and for functions "
            "of each value by itself that are 0 at 0, as gelu and silu are. For the activation of a layer, give the function as the key: "
            '{keras.activations.silu: "fixed-gate"}.'
        )

    def frozen(values):
        with tf.GradientTape() as tape:
            nothing = tf.zeros_like(values)
            tape.watch(nothing)
            result = call.function(nothing)
        slope, is_zero = tape.gradient(result, nothing), tf.equal(values, 0)
        factor = call.function(values) / tf.where(is_zero, tf.ones_like(values), values)
        return values * tf.stop_gradient(tf.where(is_zero, slope, factor))

    return [Frozen(call.function, frozen, POINT, local=call.on_maps and call.shapes == [call.output_shape])]


def _is_by_place(call, gates):
    # Each gate has a number for each place, or one for all of them; the signal has one for each.
    if any(len(shape) != call.dims + 1 for shape in (call.output_shape, *call.shapes)):
        return False
    lengths = call.output_shape[:-1]
    return all(
        length == limit or (place in gates and length == 1)
        for place, shape in enumerate(call.shapes)
        for length, limit in zip(shape[:-1], lengths, strict=True)
    )


def _is_smaller(shape, whole):
    return len(shape) < len(whole) or any(length == 1 != other for length, other in zip(shape, whole, strict=True))
