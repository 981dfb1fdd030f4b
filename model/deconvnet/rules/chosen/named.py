"""Rules that a user chooses by name, for layers of Keras and of the user."""

from zfnet.model.deconvnet.rules.call import Call, Rules
from zfnet.model.deconvnet.rules.chosen.gate import fixed_gate
from zfnet.model.deconvnet.rules.chosen.normalization import NORMALIZATIONS, fixed_deviation, normalization_window
from zfnet.model.deconvnet.rules.chosen.trial import is_affine, is_by_value
from zfnet.model.deconvnet.rules.rule import Affine, Gradient, PassThrough, Rectify


def as_relu(call: Call) -> list[PassThrough]:
    """Rule of a ReLU (Zeiler & Fergus 2013, section 2.1), for another function of each value by itself; a ValueError for others."""
    if len(call.shapes) == 1 and is_by_value(call):
        return [Rectify(call.function)]
    raise ValueError(
        f"Layer {call.layer.name!r} is of type {type(call.layer).__name__}; the rule 'as-relu' is for functions of each value by itself. "
        'For the activation of a layer, give the function as the key: {keras.activations.silu: "as-relu"}.'
    )


def linear(call: Call) -> list[PassThrough]:
    """Rule of a linear map, its transpose from autodiff, without the bias; a ValueError for others."""
    if is_affine(call):
        return [Affine(call.function, None)]
    raise ValueError(
        f"Layer {call.layer.name!r} is of type {type(call.layer).__name__}, which is no linear map with an optional bias: tried on random "
        "numbers. The rule 'linear' is for these."
    )


def plain_gradient(call: Call) -> list[PassThrough]:
    """Rule of any layer, its gradient at the values of the forward pass."""
    return [Gradient(call.function)]


def skip(call: Call) -> list[PassThrough]:
    """Rule of a layer that the signal passes unchanged, as contrast normalisation (Zeiler & Fergus 2013); a ValueError for other shapes."""
    if call.shapes != [call.output_shape]:
        shapes = ", ".join(map(str, call.shapes))
        raise ValueError(
            f"Layer {call.layer.name!r} is of type {type(call.layer).__name__} and makes {call.output_shape} of {shapes}; the rule 'skip' "
            "is for layers of one input that return its shape."
        )
    rule = PassThrough(call.function)
    rule.window = normalization_window(call) if type(call.layer) in NORMALIZATIONS else None
    # A window of the signal can't be back-projected alone if the forward window is larger or not known.
    rule.local = False
    return [rule]


NAMED: dict[str, Rules] = {
    "as-relu": as_relu,
    "fixed-deviation": fixed_deviation,
    "fixed-gate": fixed_gate,
    "gradient": plain_gradient,
    "linear": linear,
    "skip": skip,
}
