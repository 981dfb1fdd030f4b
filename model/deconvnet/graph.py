"""A Keras model as a flat list of operations, each with its backward rule."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from zfnet.model.deconvnet.node import Node, call_function, fixed_training, refuse_training
from zfnet.model.deconvnet.operation import Operation
from zfnet.model.deconvnet.readable_model import check_readable, functional, input_dims, is_graph
from zfnet.model.deconvnet.rules.activation import hidden_readout
from zfnet.model.deconvnet.rules.call import Call, channels_last
from zfnet.model.deconvnet.rules.chosen.choices import Choices
from zfnet.model.deconvnet.rules.layers import find_rules
from zfnet.model.deconvnet.rules.move import Move, find_move
from zfnet.model.deconvnet.rules.rule import Function, PassThrough, Readout, Rectify
from zfnet.model.deconvnet.rules.unchanged import keeps_numbers
from zfnet.model.deconvnet.rules.window import WHOLE
from zfnet.model.deconvnet.separate_images import check_separate_images

UNSUPPORTED = ("error", "literature", "gradient")
# Shape of a value without the batch; `None` for a size that the model leaves open.
Shape = tuple[int | None, ...]


class Graph:
    """The operations of a model, in an order in which they can be run; arguments as in `Deconvnet`.

    Every map is `(height, width, maps)` here, whatever the model's layout; maps of signals are `(length, maps)`, those of volumes
    `(depth, height, width, maps)`.

    Attributes:
        inputs: numbers of the values that are the model's inputs, from 0.
        shapes: shape of every value without the batch; `None` for a size that the model leaves open.
        dims: for every value the number of spatial axes of its maps, as in the inputs below: 2 for images. A vector has none.
        outputs: for every layer's name, the number of the value that the name means: the layer's output, after its
            activation; logits for a softmax or sigmoid at the end, and for layers above it that change no number. A layer of a
            nested model that is named like another one is `model/layer`; the second call of a shared layer is `layer#2`.
        calls: for every layer's name, the operations of its call.
        results: number of the value of each output of the model; for a softmax or sigmoid at the end, that of the logits.
        channels_first: whether the model's maps are `(channels, height, width)`.
        dtype: type of the images and of all computed values, of 32 bits or more.
        readouts: for every name that means logits, the softmax or sigmoid between them and the output of its layer.

    Raises:
        ValueError: if Keras runs on another backend, if the model is not built, or has a layer without a rule.
    """

    def __init__(self, model: keras.Model, unsupported: str = "error", rules: Mapping[Any, Any] | None = None) -> None:
        check_readable(model)
        if unsupported not in UNSUPPORTED:
            raise ValueError(f"unsupported is {unsupported!r}; expected one of {', '.join(UNSUPPORTED)}.")
        self.unsupported, choices = unsupported, Choices(rules)
        self._choose = choices.choose
        self.channels_first = any(getattr(layer, "data_format", None) == "channels_first" for layer in model._flatten_layers())
        is_double = any(tf.as_dtype(tensor.dtype) == tf.float64 for tensor in model.inputs)
        self.dtype = "float64" if is_double else "float32"
        self.operations: list[Operation] = []
        self.inputs = range(len(model.inputs))
        self.dims = input_dims(model)
        self.shapes: list[Shape] = [self._shape(*each) for each in zip(model.inputs, self.dims, strict=True)]
        self.outputs: dict[str, int] = {}
        self.calls: dict[str, list[Operation]] = {}
        self._names: dict[int, str] = {}
        self._calls: dict[int, int] = {}
        # For the value of every softmax or sigmoid that may be at the end, and of layers above that change no number, the operation.
        self._readouts: dict[int, int] = {}
        self._readout_calls: dict[int, Call] = {}
        # For every value that only moves those of another one, that other value and the function between them.
        self._moves: dict[int, tuple[int, Function]] = {}
        self._at_top = {operation.name for operation in functional(model).operations}
        self.results = self._add_model(model, list(self.inputs), "")
        self.readouts = {name: self._operation(self._readouts[value]) for name, value in self.outputs.items() if value in self._readouts}
        self._skip_readouts()
        choices.check_all_used([*self.outputs])

    def value_of(self, layer: str) -> int:
        """Number of the value that a layer's name means; a ValueError if there is no such layer."""
        if layer not in self.outputs:
            near = difflib.get_close_matches(layer, self.outputs, n=3)
            hint = f"Did you mean {' or '.join(near)}? " if near else ""
            raise ValueError(f"The model has no layer {layer!r} to look at. {hint}It has: {', '.join(self.outputs)}.")
        return self.outputs[layer]

    def unit_count(self, layer: str) -> int:
        """Number of the feature maps or dense units of a layer; a ValueError if the model leaves it open."""
        count = self.shapes[self.value_of(layer)][-1]
        if count is None:
            raise ValueError(f"The model leaves the number of units of layer {layer!r} open; build it for one size of images.")
        return count

    def needed_for(self, *values: int) -> list[Operation]:
        """The operations between the inputs and `values`, in order."""
        needed, chosen = set(values), []
        for operation in reversed(self.operations):
            if operation.output in needed:
                needed.update(operation.inputs)
                chosen.append(operation)
        return chosen[::-1]

    def sources(self, *values: int) -> list[int]:
        """Numbers of the inputs that some values depend on."""
        taken = {number for operation in self.needed_for(*values) for number in operation.inputs}
        return sorted(taken.union(values).intersection(self.inputs))

    def is_channels_first(self, value: int) -> bool:
        """Whether a value is maps that have their channels first in the model."""
        return self.channels_first and len(self.shapes[value]) == self.dims[value] + 1 > 1

    def first_names(self) -> dict[int, str]:
        """First name of every value in `outputs`: a layer that changes nothing is a second name of the value below it."""
        names: dict[int, str] = {}
        for name, value in self.outputs.items():
            names.setdefault(value, name)
        return names

    def _shape(self, tensor: keras.KerasTensor, dims: int) -> Shape:
        shape = tuple(tensor.shape[1:])
        return (*shape[1:], shape[0]) if self.channels_first and len(shape) == dims + 1 > 1 else shape

    def _operation(self, value: int) -> Operation:
        return self.operations[value - len(self.inputs)]

    def _add_model(self, model: keras.Model, inputs: list[int], prefix: str, training: bool | None = None) -> list[int]:
        nodes = functional(model)
        numbers = {id(tensor): number for tensor, number in zip(nodes.inputs, inputs, strict=True)}
        for depth in sorted(nodes._nodes_by_depth, reverse=True):
            for node in nodes._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                taken = [numbers[id(tensor)] for tensor in node.input_tensors]
                fixed = fixed_training(node, training)
                if is_graph(node.operation):
                    made = self._add_model(node.operation, taken, f"{prefix}{node.operation.name}/", fixed)
                else:
                    refuse_training(node.operation, fixed)
                    made = self._add_call(node, taken, prefix)
                numbers.update((id(tensor), number) for tensor, number in zip(node.outputs, made, strict=True))
        return [numbers[id(tensor)] for tensor in nodes.outputs]

    def _add_call(self, node: Node, inputs: list[int], prefix: str) -> list[int]:
        name = self._name(node.operation, prefix)
        # The further results of an operation such as `keras.ops.split` have names of their own.
        names = [name, *(f"{name}:{number}" for number in range(1, len(node.outputs)))]
        return [self._add_result(node, number, inputs, name) for number, name in enumerate(names)]

    def _add_result(self, node: Node, number: int, inputs: list[int], name: str) -> int:
        layer, output = node.operation, node.outputs[number]
        function = call_function(node, number)
        below = [self.dims[number] for number in inputs]
        # Maps above vectors alone have the axes of their own shape.
        dims = max(below) or max(len(output.shape) - 2, 0)
        function = channels_last(function, below, dims) if self.channels_first else function
        shapes = [self.shapes[number] for number in inputs]
        check_separate_images(layer, function, shapes, self.dtype)
        call = Call(layer, function, node.arguments.args, shapes, self.channels_first, self.unsupported, self.dtype)
        call = dataclasses.replace(call, inputs=node.input_tensors, output=output, dims=dims, results=len(node.outputs), name=name)
        call = dataclasses.replace(call, dims_below=below, gates=self._gates(inputs), choose=self._choose)
        found = find_rules(call)
        if not keeps_numbers(layer):
            for place, value in enumerate(inputs):
                self._replace_readout(value, place in found[0].gates)
        rules, taken = self._from_one_source(call, found, tuple(inputs))
        if len({each for each, shape in zip(below, shapes, strict=True) if each and len(shape) > 1}) > 1:
            # A position in a signal is no position in an image.
            rules[0].window, rules[0].local = WHOLE if rules[0].window == WHOLE else None, False
        first = len(self.operations)
        for rule, above in zip(rules, [*rules, None][1:], strict=True):
            keeps_shape = above is None or isinstance(above, Rectify | Readout)
            shape = self._shape(output, dims) if keeps_shape else rule.output_shape([self.shapes[number] for number in taken], self.dtype)
            value = len(self.shapes)
            self.operations.append(Operation(layer, rule, taken, value))
            self.shapes.append(shape)
            self.dims.append(dims)
            if isinstance(rule, Readout):
                self._readouts[value], self._readout_calls[value] = value, dataclasses.replace(call, function=rule.function, shapes=[shape])
            elif taken[0] in self._readouts:
                self._readouts[value] = self._readouts[taken[0]]
            taken = (value,)
        self.outputs[name], self.calls[name] = taken[0], self.operations[first:]
        return taken[0]

    def _from_one_source(self, call: Call, rules: list[PassThrough], inputs: tuple[int, ...]) -> tuple[list[PassThrough], tuple[int, ...]]:
        # A stack of slices, or a squeeze of expanded axes, is one move of the value below all of them: its window may be simple.
        rule = rules[0] if len(rules) == 1 else None
        if not isinstance(rule, Move):
            return rules, inputs
        (source, *others), parts = zip(*(self._moves.get(number, (number, tf.identity)) for number in inputs), strict=True)
        if all(other == source for other in others) and source not in inputs:
            whole = dataclasses.replace(call, shapes=[self.shapes[source]], function=lambda maps: move(*(part(maps) for part in parts)))
            move = rule.function
            rule, inputs = find_move(whole, rule.window if rule.window == WHOLE else None), (source,)
        if len(inputs) == 1:
            self._moves[len(self.shapes)] = inputs[0], rule.function
        return [rule], inputs

    def _gates(self, inputs: list[int]) -> tuple[int, ...]:
        # Those computed from another input, or by a softmax or sigmoid.
        if len(inputs) == 1:
            return ()
        below = [{number for each in self.needed_for(value) for number in each.inputs} for value in inputs]
        return tuple(place for place, value in enumerate(inputs) if value in self._readouts or below[place].intersection(inputs))

    def _replace_readout(self, value: int, is_gate: bool) -> None:
        # A softmax or sigmoid is skipped only at the end of a model.
        readout = self._readouts.get(value)
        if readout is None:
            return
        below = self._operation(readout)
        self._replace({readout: dataclasses.replace(below, rule=hidden_readout(self._readout_calls[readout], is_gate, below.rule.window))})
        self._readouts = {number: each for number, each in self._readouts.items() if each != readout}

    def _skip_readouts(self) -> None:
        # Names mean logits from there on: the layers above take the logits, and no value is a probability.
        logits = {readout: self._operation(readout).inputs[0] for readout in self._readouts.values()}
        above = [operation for operation in self.operations if logits.keys() & set(operation.inputs)]
        self._replace({each.output: dataclasses.replace(each, inputs=tuple(logits[number] for number in each.inputs)) for each in above})
        self.outputs = {name: logits.get(value, value) for name, value in self.outputs.items()}
        self.results = [logits.get(value, value) for value in self.results]

    def _replace(self, replaced: dict[int, Operation]) -> None:
        self.operations = [replaced.get(each.output, each) for each in self.operations]
        self.calls = {name: [replaced.get(each.output, each) for each in operations] for name, operations in self.calls.items()}

    def _name(self, layer: keras.Operation, prefix: str) -> str:
        number = self._calls[id(layer)] = self._calls.get(id(layer), 0) + 1
        if number == 1:
            is_taken = layer.name in self.outputs or (prefix and layer.name in self._at_top)
            self._names[id(layer)] = prefix + layer.name if is_taken else layer.name
        name = self._names[id(layer)]
        return f"{name}#{number}" if number > 1 else name
