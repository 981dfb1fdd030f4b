"""A Keras model as a flat list of operations, each with the rule by which a signal comes down through it."""

import dataclasses
import difflib
from typing import Any

import keras

from zfnet.model.deconvnet.rules.find_rules import find_rules
from zfnet.model.deconvnet.rules.rule import Softmax


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of the model.

    Attributes:
        layer: the Keras layer that it belongs to.
        rule: how it goes up and down.
        inputs: numbers of the values that it takes; value 0 is the image.
        output: number of the value that it makes.
    """

    layer: keras.layers.Layer
    rule: Any
    inputs: tuple[int, ...]
    output: int


class Graph:
    """The operations of a model, in an order in which they can be run.

    Args:
        model: a Keras model with one input, Sequential or Functional, nested or not.

    Attributes:
        operations: the operations.
        shapes: shape of every value without the batch; `None` where the model leaves a size open.
        outputs: for every layer's name, the number of the value that the name stands for: the layer's output, after its
            activation; for a softmax, the logit below it.

    Raises:
        ValueError: if Keras runs on another backend, if the model is not built, has several inputs, or has a layer that a
            deconvnet is not defined for.
    """

    def __init__(self, model: keras.Model):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(f"Keras runs on {keras.backend.backend()!r}; this needs it on TensorFlow (KERAS_BACKEND=tensorflow).")
        if not getattr(model, "inputs", None):
            raise ValueError(
                f"The model {model.name!r} is not built, or is a subclass without a graph of layers. Expected a Sequential or "
                "Functional model; give a Sequential model an Input, or call it once."
            )
        if len(model.inputs) != 1:
            raise ValueError(f"The model {model.name!r} has {len(model.inputs)} inputs; expected one, the image.")
        self.operations: list[Operation] = []
        self.shapes: list[tuple[int | None, ...]] = [tuple(model.inputs[0].shape[1:])]
        self.outputs: dict[str, int] = {}
        self._add_model(model, [0])

    def value_of(self, layer: str) -> int:
        """Number of the value that the name of a layer stands for.

        Raises:
            ValueError: if there is no such layer.
        """
        if layer not in self.outputs:
            near = difflib.get_close_matches(layer, self.outputs, n=3)
            hint = f"Did you mean {' or '.join(near)}? " if near else ""
            raise ValueError(f"The model has no layer {layer!r} to look at. {hint}It has: {', '.join(self.outputs)}.")
        return self.outputs[layer]

    def needed_for(self, *values: int) -> list[Operation]:
        """The operations between the image and `values`, in order."""
        needed, chosen = set(values), []
        for operation in reversed(self.operations):
            if operation.output in needed:
                needed.update(operation.inputs)
                chosen.append(operation)
        return chosen[::-1]

    def _add_model(self, model, inputs: list[int]) -> list[int]:
        functional = getattr(model, "_functional", None) or model
        numbers = {id(tensor): number for tensor, number in zip(functional.inputs, inputs, strict=True)}
        for depth in sorted(functional._nodes_by_depth, reverse=True):
            for node in functional._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                taken = [numbers[id(tensor)] for tensor in node.input_tensors]
                if isinstance(node.operation, keras.Model):
                    made = self._add_model(node.operation, taken)
                else:
                    made = [self._add_layer(node.operation, taken, tuple(node.outputs[0].shape[1:]))]
                numbers.update((id(tensor), number) for tensor, number in zip(node.outputs, made, strict=True))
        return [numbers[id(tensor)] for tensor in functional.outputs]

    def _add_layer(self, layer, inputs: list[int], shape: tuple[int | None, ...]) -> int:
        taken = tuple(inputs)
        named = taken[0]
        for rule in find_rules(layer):
            # The name of a softmax layer stands for the logits below the softmax.
            is_softmax = isinstance(rule, Softmax)
            self.operations.append(Operation(layer, rule, taken, len(self.shapes)))
            taken = (len(self.shapes),)
            self.shapes.append(shape)
            named = named if is_softmax else taken[0]
        self.outputs[layer.name] = named
        return taken[0]
