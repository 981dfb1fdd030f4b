"""One forward pass with its switches, from which any activation can be projected."""

from typing import TypeVar

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.backproject import backproject
from zfnet.model.deconvnet.graph import Graph, Operation
from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.receptive_field import cut_window, field_of_value, paste_window
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.rule import Saved
from zfnet.model.deconvnet.targets import Targets, find_targets

Maps = TypeVar("Maps", np.ndarray, tf.Tensor)


def record(passes: Passes, images: tf.Tensor, projected: set[int], held: set[int]) -> "Recording":
    """Runs a forward pass and stores the activations `held` and those that projections from `projected` need, both numbers of values."""
    # Unnamed values, such as a sum below its ReLU, are not stored.
    needed = {number for operation in passes.graph.needed_for(*projected) if operation.rule.saves for number in operation.inputs}
    numbers = tuple(sorted(held | needed | {0}))
    return Recording(passes, dict(zip(numbers, passes.forward(images, numbers), strict=True)), passes.shapes(images))


class Recording:
    """Activations and switches of one forward pass; made by `Deconvnet.record`.

    Attributes:
        shapes: shape of every value of the graph, without the batch.

    Examples:
        >>> deconvnet.record(images, ["conv5"]).activations("conv5").shape
        TensorShape([4, 5, 5, 128])
    """

    def __init__(self, passes: Passes, values: dict[int, tf.Tensor], shapes: list[tuple[int, ...]]) -> None:
        self._passes, self._graph = passes, passes.graph
        self._values, self.shapes = values, shapes
        self._saved: dict[int, Saved] = {}

    def activations(self, layer: str) -> tf.Tensor:
        """Activations of `layer` in the model's layout: a tensor `(N, h, w, units)`, or `(N, units)` for a dense layer."""
        return to_model_layout(self._recorded(self._graph.value_of(layer), layer), self._graph)

    def switches(self, layer: str) -> np.ndarray:
        """Positions of the maxima of a max pooling layer (Zeiler & Fergus 2013, section 2.1, "Unpooling").

        Returns an int64 array `(N, h, w, maps, 2)`: row and column in the layer's input. A layer without switches is a ValueError.
        """
        calls = self._graph.calls.items()
        pools = {name: operation for name, operations in calls for operation in operations if isinstance(operation.rule, MaxPool)}
        self._graph.value_of(layer)
        if layer not in pools:
            raise ValueError(f"Layer {layer!r} has no switches; max pooling layers have: {', '.join(pools) or 'there is none'}.")
        operation = pools[layer]
        window = operation.window
        places = np.asarray(self._save(operation)).astype(np.int64)
        before = window.padding(self.shapes[operation.inputs[0]][:2])
        row, column = np.arange(places.shape[1])[:, None, None], np.arange(places.shape[2])[:, None]
        rows = row * window.strides[0] - before[0] + places // window.size[1]
        columns = column * window.strides[1] - before[1] + places % window.size[1]
        return np.stack([rows, columns], axis=-1)

    def project(self, layer: str, unit: ArrayLike, position: ArrayLike | None = None, example: ArrayLike | None = None) -> np.ndarray:
        """Projects single activations back to pixels.

        Args:
            layer: name of the layer.
            unit: feature map or dense unit: an int, or `(M,)` ints, one for each projection.
            position: `(row, column)` in the map, or `(M, 2)`; `None` takes the strongest of each map. Not for dense layers.
            example: image of each projection, an int or `(M,)` ints; `None` takes every image once, in order.

        Returns:
            Array `(M, H, W, C)` in the model's layout and type (float32): signed pixel values, in proportion to the activation.

        Raises:
            ValueError: if a unit, position or example is out of range.

        Examples:
            >>> deconvnet.record(images, ["conv5"]).project("conv5", [7, 8], position=(2, 3), example=0).shape
            (2, 96, 96, 3)
        """
        return self.images_of(layer, self._targets(layer, unit, position, example))

    def project_patches(
        self, layer: str, unit: ArrayLike, position: ArrayLike | None = None, example: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Projects single activations, each to the receptive field of its unit; arguments as in `project`.

        In a model that is a chain of convolutions and pools, nothing else is computed, which is several times faster.

        Returns:
            Array `(M, rh, rw, C)` in the model's layout and type (float32): windows of the size of the receptive field, 0 outside of the
            image; and int array `(M, 2)`, the row and column of each window's top left corner in the image, negative outside of it.

        Raises:
            ValueError: as `project` does, and if the layer's units have no single receptive field.

        Examples:
            >>> patches, corners = deconvnet.record(images, ["conv5"]).project_patches("conv5", 7)
            >>> patches.shape, corners.shape
            ((4, 139, 139, 3), (4, 2))
        """
        return self.windows_of(layer, self._targets(layer, unit, position, example))

    def images_of(self, layer: str, targets: Targets) -> np.ndarray:
        """Like `project`, for targets that were computed elsewhere: `layer` itself need not be recorded."""
        frames = np.zeros((len(targets.units), *self.shapes[0]), self._graph.dtype)
        if len(frames):
            signal, corners = self._backproject(layer, targets)
            if corners is None:
                frames = signal
            else:
                for frame, window, corner in zip(frames, signal, corners, strict=True):
                    paste_window(frame, window, corner)
        return to_model_layout(frames, self._graph)

    def windows_of(self, layer: str, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
        """Like `project_patches`, for targets that were computed elsewhere: `layer` itself need not be recorded."""
        field = field_of_value(self._graph, self._graph.value_of(layer), self.shapes)
        if not len(targets.units):
            none = np.zeros((0, *field.size, *self.shapes[0][2:]), self._graph.dtype)
            return to_model_layout(none, self._graph), np.zeros((0, 2), np.int32)
        signal, corners = self._backproject(layer, targets)
        if corners is None:
            # A dense unit has one position, whose field starts at the offset.
            places = targets.positions if targets.positions.shape[1] else np.zeros((len(signal), 2), int)
            corners = places * field.stride + field.offset
            signal = np.stack([cut_window(*pair, field.size) for pair in zip(signal, corners, strict=True)])
        return to_model_layout(signal, self._graph), corners

    def _targets(self, layer: str, unit: ArrayLike, position: ArrayLike | None, example: ArrayLike | None) -> Targets:
        activations = self._recorded(self._graph.value_of(layer), layer)
        return find_targets(np.asarray(activations), layer, unit, position, example)

    def _backproject(self, layer: str, targets: Targets) -> tuple[np.ndarray, np.ndarray | None]:
        value = self._graph.value_of(layer)
        saved = {operation.output: self._save(operation) for operation in self._graph.needed_for(value) if operation.rule.saves}
        return backproject(self._passes, value, self.shapes, saved, targets)

    def _save(self, operation: Operation) -> Saved:
        if operation.output not in self._saved:
            inputs = [self._recorded(number, operation.layer.name) for number in operation.inputs]
            self._saved[operation.output] = self._passes.save(operation, inputs)
        return self._saved[operation.output]

    def _recorded(self, value: int, layer: str) -> tf.Tensor:
        if value not in self._values:
            raise ValueError(f"Layer {layer!r} was not recorded; name it in `record(images, layers)`.")
        return self._values[value]


def to_model_layout(maps: Maps, graph: Graph) -> Maps:
    """Converts maps `(N, height, width, channels)`, an array or tensor, to the model's layout; other values are returned as they are."""
    if not graph.channels_first or len(maps.shape) != 4:
        return maps
    return tf.transpose(maps, (0, 3, 1, 2)) if tf.is_tensor(maps) else np.ascontiguousarray(maps.transpose(0, 3, 1, 2))
