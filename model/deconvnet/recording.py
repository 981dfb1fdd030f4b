"""One forward pass with its switches, from which any activation can be projected."""

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.receptive_field import field_of_value

# Projections that are brought down together; more at once cost memory and save no time.
CHUNK = 32


class Recording:
    """What a forward pass left behind. Made by `Deconvnet.record`.

    Args:
        passes: the compiled passes of the model.
        values: all values of the graph, the images first.
        switches: of every max pooling, by the number of its output.
    """

    def __init__(self, passes: Passes, values: list[tf.Tensor], switches: dict[int, tf.Tensor]):
        self._passes, self._graph = passes, passes.graph
        self._values, self._switches = values, switches
        self._shapes = [tuple(value.shape[1:]) for value in values]

    def activations(self, layer: str) -> tf.Tensor:
        """Activations of `layer`: a tensor `(N, h, w, units)`, or `(N, units)` of a dense layer."""
        return self._values[self._graph.value_of(layer)]

    def switches(self, layer: str) -> np.ndarray:
        """Where each maximum of a max pooling layer was.

        Zeiler & Fergus 2013, section 2.1, "Unpooling".

        Args:
            layer: name of a max pooling layer.

        Returns:
            int64 array `(N, h, w, maps, 2)`: row and column in the layer's input.

        Raises:
            ValueError: if the layer has no switches.
        """
        value = self._graph.value_of(layer)
        if value not in self._switches:
            names = [operation.layer.name for operation in self._graph.operations if operation.output in self._switches]
            raise ValueError(f"Layer {layer!r} has no switches; max pooling layers have: {', '.join(names) or 'there is none'}.")
        (source,) = (operation.inputs[0] for operation in self._graph.operations if operation.output == value)
        rows, columns, _ = np.unravel_index(self._switches[value].numpy(), self._shapes[source])
        return np.stack([rows, columns], axis=-1)

    def project(self, layer: str, unit, position=None, example=None) -> np.ndarray:
        """Projects single activations down to pixels.

        Args:
            layer: name of the layer.
            unit: which feature map or dense unit: an int, or `(M,)` ints, one for each projection.
            position: `(row, column)` in the map, or `(M, 2)`; `None` takes the strongest of each map. Not for dense layers.
            example: `(M,)` ints, which image each projection is of; `None` takes every image once, in order.

        Returns:
            float32 array `(M, H, W, C)`: signed pixel values, in proportion to the activation.

        Raises:
            ValueError: if a unit, position or example is outside of what the layer has.
        """
        value = self._graph.value_of(layer)
        units, positions, examples = self._targets(layer, unit, position, example)
        switches = {
            operation.output: self._switches[operation.output]
            for operation in self._graph.needed_for(value)
            if operation.output in self._switches
        }
        places = np.concatenate([np.arange(len(units))[:, None], positions, units[:, None]], axis=1)
        strengths = tf.gather_nd(self._values[value], np.concatenate([examples[:, None], places[:, 1:]], axis=1))
        projections = []
        for start in range(0, len(units), CHUNK):
            part = slice(start, start + CHUNK)
            rows = len(units[part])
            seed = tf.scatter_nd(places[part] - [start, *[0] * (places.shape[1] - 1)], strengths[part], (rows, *self._shapes[value]))
            chosen = {number: tf.gather(kept, examples[part]) for number, kept in switches.items()}
            projections.append(self._passes.down(value, seed, self._shapes, chosen).numpy())
        return np.concatenate(projections)

    def project_patches(self, layer: str, unit, position=None, example=None) -> tuple[np.ndarray, np.ndarray]:
        """Projects single activations, each to the window of the image that its unit sees.

        Args:
            layer: name of the layer.
            unit: as in `project`.
            position: as in `project`.
            example: as in `project`.

        Returns:
            float32 array `(M, rh, rw, C)`, windows of the size of the receptive field, 0 where a window leaves the image; and int
            array `(M, 2)`, the row and column of each window's top left corner in the image, negative outside of it.
        """
        units, positions, examples = self._targets(layer, unit, position, example)
        field = field_of_value(self._graph, self._graph.value_of(layer), self._shapes[0])
        # The one position of a dense unit sees from the offset on.
        places = positions if positions.shape[1] else np.zeros((len(units), 2), int)
        corners = places * field.stride + field.offset
        projections = self.project(layer, units, positions, examples)
        return np.stack([cut_window(*pair, field.size) for pair in zip(projections, corners, strict=True)]), corners

    def _targets(self, layer, unit, position, example):
        shape = self._shapes[self._graph.value_of(layer)]
        if len(shape) not in (1, 3):
            raise ValueError(f"Layer {layer!r} has an output of shape {shape}; projections start from feature maps or dense units.")
        images = len(self._values[0])
        examples = np.arange(images) if example is None else np.atleast_1d(np.asarray(example, int))
        units = np.broadcast_to(np.asarray(unit, int), examples.shape)
        _check_range("unit", units, shape[-1], layer)
        _check_range("example", examples, images, layer)
        if len(shape) == 1:
            return units, np.zeros((len(units), 0), int), examples
        if position is None:
            maps = tf.gather_nd(tf.transpose(self.activations(layer), (0, 3, 1, 2)), np.stack([examples, units], axis=1))
            position = np.stack(np.unravel_index(maps.numpy().reshape(len(units), -1).argmax(1), shape[:2]), axis=1)
        positions = np.broadcast_to(np.asarray(position, int), (len(units), 2))
        for axis, name in enumerate(("row", "column")):
            _check_range(name, positions[:, axis], shape[axis], layer)
        return units, positions, examples


def cut_window(image: np.ndarray, corner: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cuts a window out of an image, with zeros where it leaves the image: padded, never shifted.

    Args:
        image: array `(H, W, C)`.
        corner: row and column of the window's top left corner, possibly negative.
        size: `(height, width)` of the window.

    Returns:
        Array `(*size, C)`.
    """
    window = np.zeros((*size, image.shape[-1]), image.dtype)
    inside = [slice(max(low, 0), max(low + length, 0)) for low, length in zip(corner, size, strict=True)]
    part = image[tuple(inside)]
    top, left = (max(-low, 0) for low in corner)
    window[top : top + part.shape[0], left : left + part.shape[1]] = part
    return window


def _check_range(name: str, numbers: np.ndarray, count: int, layer: str) -> None:
    wrong = numbers[(numbers < 0) | (numbers >= count)]
    if wrong.size:
        raise ValueError(f"There is no {name} {wrong[0]} in layer {layer!r}; it has {name}s 0 to {count - 1}.")
