"""The operations of `keras.ops`, and of symbolic tensors (`x + y`), that a signal comes down through."""

import keras

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.layers import Rules, affine, concatenation, rule
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
