"""The operations of `keras.ops`, and of symbolic tensors (`x + y`), that a signal comes down through."""

from collections.abc import Callable

import keras

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.rule import Affine, PassThrough, Readout, Rectify
from zfnet.model.deconvnet.rules.window import WHOLE


def _one_tensor(call: Call):
    # The product of two activations is not linear in both, and nothing is linear in what it is divided by.
    linear = len(call.shapes) == 1 and (isinstance(call.arguments[0], keras.KerasTensor) or type(call.layer).__name__ == "Multiply")
    return [Affine(call.function)] if linear else None


# Names of the classes behind the functions of `keras.ops` and the operators of symbolic tensors.
OPERATIONS: dict[str, Callable[[Call], list | None]] = {
    "Add": lambda call: [Affine(call.function)],
    "Subtract": lambda call: [Affine(call.function)],
    "Negative": lambda call: [Affine(call.function)],
    "Multiply": _one_tensor,
    "TrueDivide": _one_tensor,
    "Concatenate": lambda call: [Affine(call.function)],
    "Identity": lambda call: [PassThrough(call.function)],
    "Reshape": lambda call: [Affine(call.function, WHOLE)],
    "Mean": lambda call: [Affine(call.function, WHOLE)],
    "Relu": lambda call: [Rectify(call.function)],
    "Relu6": lambda call: [Rectify(call.function)],
    "LeakyRelu": lambda call: [Rectify(call.function)],
    "Softmax": lambda call: [Readout(call.function)],
    "Sigmoid": lambda call: [Readout(call.function)],
}
