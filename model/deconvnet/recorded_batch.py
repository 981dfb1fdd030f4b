"""One batch of a recording: activations and switches of images that ran through the net together."""

from typing import TypeAlias, TypeVar, cast

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.backproject import THREADS, backproject
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.operation import Operation
from zfnet.model.deconvnet.passes import Inputs, Passes
from zfnet.model.deconvnet.receptive_field import cut_window, field_of_value, paste_window
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.rules.rule import Saved
from zfnet.model.deconvnet.targets import Targets

Maps = TypeVar("Maps", np.ndarray, tf.Tensor)
# For each input that is reached, windows of the receptive fields and their corners, or whole images and None.
Projected: TypeAlias = dict[int, tuple[np.ndarray, np.ndarray | None]]


def values_to_store(graph: Graph, projected: set[int], held: set[int]) -> tuple[int, ...]:
    """Numbers of the values `held`, and of those that projections from `projected` need."""
    # Unnamed values, such as a sum below its ReLU, are not stored.
    needed = {number for operation in graph.needed_for(*projected) if operation.rule.saves for number in operation.inputs}
    return tuple(sorted({*graph.inputs, *held, *needed}))


def record_batch(passes: Passes, images: Inputs, numbers: tuple[int, ...]) -> "RecordedBatch":
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
        window = cast(MaxPool, operation.rule).pooling
        places = np.asarray(self._save(operation)).astype(np.int64)
        before = window.padding(self.shapes[operation.inputs[0]][:-1])
        positions = []
        for axis, inside in enumerate(np.unravel_index(places, window.size)):
            start = np.arange(places.shape[axis + 1]) * window.strides[axis] - before[axis]
            positions.append(start.reshape(-1, *(1,) * (places.ndim - axis - 2)) + inside)
        return np.stack(positions, axis=-1)

    def images_of(self, layer: str, targets: Targets, threads: int = THREADS) -> list[np.ndarray]:
        """Projects targets, whose examples are rows of this batch, to each input; `layer` need not be recorded.

        Returns arrays `(M, H, W, C)` in the model's layout.
        """
        found = self._backproject(layer, targets, threads)
        return [to_model_layout(self._whole(source, targets, found), self._graph, source) for source in self._graph.inputs]

    def windows_of(self, layer: str, targets: Targets, threads: int = THREADS) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """Projects targets to their receptive fields in each input: windows and their corners as in `Recording.project_patches`.

        An input in which the units have no single receptive field gets whole images, and None instead of corners.
        """
        found = self._backproject(layer, targets, threads)
        windows = []
        for source in self._graph.inputs:
            signal, corners = self._window(source, targets, found, self._graph.value_of(layer))
            windows.append((to_model_layout(signal, self._graph, source), corners))
        return windows

    def _whole(self, source: int, targets: Targets, found: Projected) -> np.ndarray:
        frames = np.zeros((len(targets.units), *self.shapes[source]), self._graph.dtype)
        signal, corners = found.get(source, (frames, None))
        if corners is None:
            return signal
        for frame, window, corner in zip(frames, signal, corners, strict=True):
            paste_window(frame, window, corner)
        return frames

    def _window(self, source: int, targets: Targets, found: Projected, value: int) -> tuple[np.ndarray, np.ndarray | None]:
        try:
            field = field_of_value(self._graph, value, self.shapes, source)
        except ValueError:
            return self._whole(source, targets, found), None
        signal, corners = found.get(source, (np.zeros(0), None))
        # The signal may come to fewer pixels than the unit depends on: it does not pass gates.
        if corners is not None and signal.shape[1 : 1 + len(field.size)] == field.size:
            return signal, corners
        whole = self._whole(source, targets, found)
        # A dense unit has one position, whose field starts at the offset.
        places = targets.positions if targets.positions.shape[1] == len(field.size) else np.zeros((len(whole), len(field.size)), int)
        corners = places * field.stride + field.offset
        cut = np.zeros((len(whole), *field.size, *whole.shape[1 + len(field.size) :]), whole.dtype)
        for target, image, corner in zip(cut, whole, corners, strict=True):
            target[...] = cut_window(image, corner, field.size)
        return cut, corners

    def _backproject(self, layer: str, targets: Targets, threads: int) -> Projected:
        if not len(targets.units):
            return {}
        value = self._graph.value_of(layer)
        saved = {operation.output: self._save(operation) for operation in self._graph.needed_for(value) if operation.rule.saves}
        return backproject(self._passes, value, self.shapes, saved, targets, threads)

    def _save(self, operation: Operation) -> Saved:
        if operation.output not in self._saved:
            inputs = [self._recorded(number, operation.layer.name) for number in operation.inputs]
            self._saved[operation.output] = self._passes.save(operation, inputs)
        return self._saved[operation.output]

    def _recorded(self, value: int, layer: str) -> tf.Tensor:
        if value not in self._values:
            raise ValueError(f"Layer {layer!r} was not recorded; name it in `record(images, layers)`.")
        return self._values[value]


def to_model_layout(maps: Maps, graph: Graph, value: int) -> Maps:
    """Converts maps `(N, height, width, channels)`, an array or tensor, to the layout that the value of this number has in the model."""
    if not graph.is_channels_first(value):
        return maps
    order = 0, len(maps.shape) - 1, *range(1, len(maps.shape) - 1)
    return tf.transpose(maps, order) if tf.is_tensor(maps) else np.ascontiguousarray(maps.transpose(order))
