"""The activation functions that a signal comes down through."""

from collections.abc import Callable

from keras import activations, layers

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import PassThrough, Readout, Rectify
from zfnet.model.deconvnet.rules.window import POINT

ACTIVATIONS: dict[Callable, type[PassThrough]] = {
    activations.relu: Rectify,
    activations.relu6: Rectify,
    activations.leaky_relu: Rectify,
    activations.softmax: Readout,
    activations.sigmoid: Readout,
}
# Of these an instance can be given as an activation.
RECTIFYING_LAYERS = (layers.ReLU, layers.LeakyReLU, layers.PReLU)


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
