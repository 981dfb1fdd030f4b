"""The compiled passes of a deconvnet: images up to activations, single activations down to pixels."""

import tensorflow as tf

from zfnet.model.deconvnet.graph import Graph


class Passes:
    """Runs a graph upwards and downwards, compiling each pass once.

    Args:
        graph: the operations of a model.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self._compiled = {}

    def up(self, images: tf.Tensor) -> tuple[list[tf.Tensor], dict[int, tf.Tensor]]:
        """Runs the whole graph.

        Args:
            images: float tensor `(N, H, W, C)`.

        Returns:
            All values of the graph, the images first; and for the output of every max pooling its switches (see `MaxPool.up`).
        """
        return self._compile("up", self._up)(images)

    def activations(self, images: tf.Tensor, values: tuple[int, ...]) -> list[tf.Tensor]:
        """Runs the graph as far as `values` need it, and returns them."""
        return self._compile(("activations", values), lambda: self._activations(values))(images)

    def down(self, value: int, signal: tf.Tensor, shapes: list[tuple[int, ...]], switches: dict[int, tf.Tensor]) -> tf.Tensor:
        """Brings a signal down to pixels.

        Zeiler & Fergus 2013, section 2.1: unpool, rectify, filter.

        Args:
            value: number of the value that the signal starts at.
            signal: float tensor `(M, ...)` of that value's shape; for a projection, zero but for one activation an example.
            shapes: shape of every value without the batch.
            switches: of every max pooling below, one row for each row of the signal.

        Returns:
            Float tensor `(M, H, W, C)`: signed pixel values.
        """
        return self._compile(("down", value, tuple(shapes)), lambda: self._down(value, shapes))(signal, switches)

    def _compile(self, key, make):
        if key not in self._compiled:
            self._compiled[key] = make()
        return self._compiled[key]

    def _up(self):
        @tf.function(reduce_retracing=True)
        def up(images):
            values, switches = [images], {}
            for operation in self.graph.operations:
                output, kept = operation.rule.up([values[number] for number in operation.inputs])
                values.append(output)
                if kept is not None:
                    switches[operation.output] = kept
            return values, switches

        return up

    def _activations(self, wanted):
        @tf.function(reduce_retracing=True)
        def activations(images):
            values = {0: images}
            for operation in self.graph.needed_for(*wanted):
                values[operation.output] = operation.rule.function(*(values[number] for number in operation.inputs))
            return [values[number] for number in wanted]

        return activations

    def _down(self, value, shapes):
        @tf.function(reduce_retracing=True)
        def down(signal, switches):
            signals = {value: signal}
            for operation in reversed(self.graph.needed_for(value)):
                taken_shapes = [shapes[number] for number in operation.inputs]
                parts = operation.rule.down(signals.pop(operation.output), taken_shapes, switches.get(operation.output))
                for number, part in zip(operation.inputs, parts, strict=True):
                    signals[number] = signals[number] + part if number in signals else part
            return signals[0]

        return down
