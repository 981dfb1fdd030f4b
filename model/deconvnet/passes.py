"""Compiled forward and backward passes of a deconvnet over whole maps."""

import contextlib
import math
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar, cast

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.operation import Operation
from zfnet.model.deconvnet.rules.fused import without_xla
from zfnet.model.deconvnet.rules.rule import AtInputs, Saved

SAVED_TOGETHER = 16, 4, 1
# Values that a pass computes before XLA compiles it. For a few hundred projections XLA costs more time than it saves.
MANY_VALUES = 1 << 25
# Values of the maps that a forward pass holds at a time, 512 MB in single precision: so many images run together, one at least.
VALUES_TOGETHER = 1 << 27
# From so many operations on, tracing a function takes as long as so many runs of each operation by itself lose, and XLA longer.
MANY_OPERATIONS, FIRST_RUNS = 40, 8
Result = TypeVar("Result")
# Values of the inputs of a model, one tensor `(N, ...)` each.
Inputs = tuple[tf.Tensor, ...]


class Passes:
    """Runs a graph forward and backward, compiling each pass once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._compiled: dict[Hashable, Any] = {}
        self._values: dict[Hashable, int] = {}
        self._runs: dict[Hashable, int] = {}
        self._making = threading.Lock()

    def forward(self, images: Inputs, wanted: tuple[int, ...]) -> list[tf.Tensor]:
        """Runs the graph on images `(N, H, W, C)`, as far as some values need it: `wanted` are their numbers, 0 the images."""
        return self.run(("forward", wanted, *row_shapes(images)), lambda images: self.traced_forward(images, wanted), images)

    def shapes(self, images: Inputs) -> list[tuple[int, ...]]:
        """Shape of every value of the graph, without the batch, for images of this shape."""
        if all(None not in shape for shape in self.graph.shapes):
            return cast("list[tuple[int, ...]]", self.graph.shapes)

        def trace():
            run = tf.function(lambda images: self.traced_forward(images, range(len(self.graph.shapes))), autograph=False)
            traced = run.get_concrete_function(tuple(tf.TensorSpec(each.shape, each.dtype) for each in images))
            return [tuple(output.shape[1:]) for output in traced.structured_outputs]

        return self.once(("shapes", *row_shapes(images)), trace)

    def images_together(self, shapes: list[tuple[int, ...]], wanted: Iterable[int]) -> int:
        """Number of images to run together as far as some values, `wanted`, need it, so that memory stays bounded."""
        wanted = set(wanted)
        passed = {*self.graph.inputs, *wanted, *(number for operation in self.graph.needed_for(*wanted) for number in operation.inputs)}
        # The wanted values stay; of the others, two at a time, the input and the output of an operation.
        held = sum(math.prod(shapes[number]) for number in wanted) + 2 * max(math.prod(shapes[number]) for number in passed)
        return max(1, VALUES_TOGETHER // held)

    def save(self, operation: Operation, inputs: list[tf.Tensor]) -> Saved:
        """Saves what an operation's rule needs for the backward pass, from the operation's inputs."""
        if isinstance(operation.rule, AtInputs):
            return operation.rule.save(inputs)
        key = "save", operation.output, *(value.shape[1:] for value in inputs)
        saved, start = [], 0
        while start < len(inputs[0]):
            # Few sizes, since each is compiled.
            size = next(size for size in SAVED_TOGETHER if start + size <= len(inputs[0]))
            part = [value[start : start + size] for value in inputs]
            saved.append(self.run(key, operation.rule.save, part, values=size * math.prod(inputs[0].shape[1:])))
            start += size
        return tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *saved) if saved else operation.rule.save(inputs)

    def backward(self, value: int, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: dict[int, Saved]) -> list[tf.Tensor]:
        """Back-projects a signal to pixels `(M, H, W, C)`, signed: unpool, rectify, filter (Zeiler & Fergus 2013, section 2.1).

        Returns them for each input that the value depends on, in the order of `Graph.sources`. The signal `(M, ...)` starts at the value
        number `value`; for a projection it is zero except one activation an example. `shapes` are those of every value without the batch,
        `saved` the saved tensors of every operation below, by the number of its output, with one row for each row of the signal.
        """
        needed = self.graph.needed_for(value)
        values = len(signal) * max((math.prod(shapes[number]) for operation in needed for number in operation.inputs), default=0)

        def backward(signal, saved):
            return self.traced_backward({value: signal}, shapes, saved)

        return self.run(("backward", value, tuple(shapes)), backward, signal, saved, values=values, operations=len(needed))

    def run(self, key: Hashable, function: Callable[..., Result], *arguments: Any, values: int = 0, operations: int = 0) -> Result:
        """Runs a function of tensors, or of lists and dicts of them, compiled once for all numbers of rows.

        `key` identifies the function and, except for the rows, the shapes of its arguments. `values` is the number of values of the largest
        map of these rows: after `MANY_VALUES` with the same key the function is compiled again, with XLA, which gives the same bits. With
        `tf.config.run_functions_eagerly(True)` nothing is compiled, which costs less time for one image; nor is a function of
        `MANY_OPERATIONS` of the graph, of `operations` in all, in its first runs.
        """
        arguments = tf.nest.map_structure(tf.convert_to_tensor, arguments)
        with self._making:
            self._values[key] = self._values.get(key, 0) + values
            self._runs[key] = self._runs.get(key, 0) + 1
            many = self._values[key] > MANY_VALUES * max(1, operations // MANY_OPERATIONS)
            is_early = operations >= MANY_OPERATIONS and self._runs[key] <= FIRST_RUNS
        if is_early or tf.config.functions_run_eagerly():
            with without_xla():
                return function(*arguments)

        def compile_it():
            signature = tf.nest.map_structure(lambda tensor: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype), arguments)
            with contextlib.nullcontext() if many else without_xla():
                return tf.function(function, autograph=False).get_concrete_function(*signature)

        return self.once((key, many), compile_it)(*arguments)

    def once(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Result of `make` at the first request for this key, by whichever thread."""
        with self._making:
            if key not in self._compiled:
                self._compiled[key] = make()
            return self._compiled[key]

    def traced_forward(self, images: Inputs, wanted: Iterable[int]) -> list[tf.Tensor]:
        """Like `forward`, not compiled: for use inside another `tf.function`."""
        values = dict(enumerate(images))
        for operation in self.graph.needed_for(*wanted):
            values[operation.output] = operation.rule.function(*(values[number] for number in operation.inputs))
        return [values[number] for number in wanted]

    def traced_backward(self, signals: dict[int, tf.Tensor], shapes: list[tuple[int, ...]], saved: dict) -> list[tf.Tensor]:
        """Like `backward`, not compiled, from several values, whose projections add up: for use inside another `tf.function`."""
        reached = self.graph.sources(*signals)
        signals = dict(signals)
        for _ in self._steps_down(signals, shapes, saved):
            pass
        return [signals[number] for number in reached]

    def first_not_finite(self, value: int, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: dict[int, Saved]) -> Operation | None:
        """First operation on the way down, as in `backward`, that makes numbers of a finite signal that are not finite."""
        for operation, parts in self._steps_down({value: signal}, shapes, saved):
            if not all(np.isfinite(part).all() for part in parts):
                return operation
        return None

    def _steps_down(
        self, signals: dict[int, tf.Tensor], shapes: list[tuple[int, ...]], saved: dict[int, Saved]
    ) -> Iterator[tuple[Operation, list[tf.Tensor]]]:
        """Back-projects in `signals`, one operation at a time; yields it and the signals of its inputs."""
        for operation in reversed(self.graph.needed_for(*signals)):
            taken_shapes = [shapes[number] for number in operation.inputs]
            parts = operation.rule.backward(signals.pop(operation.output), taken_shapes, saved.get(operation.output))
            for number, part in zip(operation.inputs, parts, strict=True):
                part.set_shape((None, *shapes[number]))
                signals[number] = signals[number] + part if number in signals else part
            yield operation, parts


def row_shapes(images: Inputs) -> tuple[tf.TensorShape, ...]:
    """Shapes of the values of the inputs, without the batch."""
    return tuple(each.shape[1:] for each in images)


def on_replicas(passes: Passes, key: Hashable, function: Callable, images: Inputs) -> Iterator[tuple[int, Any]]:
    """Runs a function of images `(N, ...)` on every replica of the current strategy; `key` identifies the function.

    The function returns tensors of one row an image.

    Yields:
        For each replica, the number of its first image, and the function's result for its images.
    """
    strategy = tf.distribute.get_strategy()
    replicas, count = strategy.num_replicas_in_sync, len(images[0])
    if replicas == 1:
        yield 0, passes.run(key, function, images)
        return
    # Shares are equal: the last replicas may repeat the last image, in rows that are cut off at the end.
    share = -(-count // replicas)
    rows = tf.minimum(tf.reshape(tf.range(replicas * share), (replicas, share)), count - 1)
    shares = strategy.experimental_distribute_values_from_function(
        lambda context: tuple(tf.gather(each, rows[context.replica_id_in_sync_group]) for each in images)
    )
    # One graph that holds the calls of all replicas runs them side by side.
    run = passes.once(
        ("replicas", id(strategy), key),
        lambda: tf.function(lambda values: strategy.run(function, args=(values,)), reduce_retracing=True, autograph=False),
    )
    results = tf.nest.map_structure(strategy.experimental_local_results, run(shares))
    for replica in range(replicas):
        if replica * share < count:
            yield replica * share, _of_replica(results, replica, count - replica * share)


def _of_replica(results, replica, most):
    if isinstance(results, list):
        return [_of_replica(result, replica, most) for result in results]
    return results[replica][:most]
