"""Find the rule for a layer or an operation of Keras."""

import keras

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.layers import LAYERS, Rules, affine, concatenation, rule
from zfnet.model.deconvnet.rules.rule import Affine, PassThrough, Readout, Rectify
from zfnet.model.deconvnet.rules.window import WHOLE


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
