"""One batch of a recording: activations and switches of images that ran through the net together."""

from typing import TypeVar

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.backproject import backproject
from zfnet.model.deconvnet.graph import Graph, Operation
from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.receptive_field import cut_window, field_of_value, paste_window
from zfnet.model.deconvnet.rules.rule import Saved
from zfnet.model.deconvnet.targets import Targets

Maps = TypeVar("Maps", np.ndarray, tf.Tensor)


def values_to_store(graph: Graph, projected: set[int], held: set[int]) -> tuple[int, ...]:
    """Numbers of the values `held`, and of those that projections from `projected` need."""
    # Unnamed values, such as a sum below its ReLU, are not stored.
    needed = {number for operation in graph.needed_for(*projected) if operation.rule.saves for number in operation.inputs}
    return tuple(sorted(held | needed | {0}))


def record_batch(passes: Passes, images: tf.Tensor, numbers: tuple[int, ...]) -> "RecordedBatch":
    """Runs a forward pass over images and stores the values of these numbers."""
    return RecordedBatch(passes, dict(zip(numbers, passes.forward(images, numbers), strict=True)), passes.shapes(images))


class RecordedBatch:
    """Activations and switches of one forward pass.

    Attributes:
        shapes: shape of every value of the graph, without the batch.
    """

    def __init__(self, passes: Passes, values: dict[int, tf.Tensor], shapes: list[tuple[int, ...]]) -> None:
        self._passes, self._graph = passes, passes.graph
        self._values, self.shapes = values, shapes
        self._saved: dict[int, Saved] = {}

    def activations(self, layer: str) -> tf.Tensor:
        """Activations of `layer`, a tensor `(N, h, w, units)`, channels last; `(N, units)` for a dense layer."""
        return self._recorded(self._graph.value_of(layer), layer)

    def switches(self, operation: Operation) -> np.ndarray:
        """Positions of the maxima of a max pooling: int64 `(N, h, w, maps, 2)`, row and column in its input."""
        window = operation.window
        places = np.asarray(self._save(operation)).astype(np.int64)
        before = window.padding(self.shapes[operation.inputs[0]][:2])
        row, column = np.arange(places.shape[1])[:, None, None], np.arange(places.shape[2])[:, None]
        rows = row * window.strides[0] - before[0] + places // window.size[1]
        columns = column * window.strides[1] - before[1] + places % window.size[1]
        return np.stack([rows, columns], axis=-1)

    def images_of(self, layer: str, targets: Targets) -> np.ndarray:
        """Projects targets, whose examples are rows of this batch: `(M, H, W, C)` in the model's layout; `layer` need not be recorded."""
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
        """Projects targets to their receptive fields: windows and their corners as in `Recording.project_patches`."""
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
