"""Forward passes with their switches, from which any activation can be projected."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.model_inputs import InputForm
from zfnet.model.deconvnet.passes import Inputs, Passes
from zfnet.model.deconvnet.receptive_field import field_of_value
from zfnet.model.deconvnet.recorded_batch import RecordedBatch, record_batch, to_model_layout, values_to_store
from zfnet.model.deconvnet.rules.max_pool import MaxPool
from zfnet.model.deconvnet.targets import Targets, find_places
from zfnet.model.html_table import html_table

# Headings of the table in a notebook.
HEADINGS = "layer", "shape", "strongest activation", "image", "unit", "position"
# Values that a recording stores at most, 1 GiB in single precision.
MOST_STORED = 1 << 28


class Recording:
    """Activations and switches of images; made by `Deconvnet.record`.

    Images run through the net in batches, so that memory is bounded for any number of them. Up to 1 GiB of activations is stored. If
    there are more, none is: every method runs the images again, batch by batch, no further than it needs, with the weights of that moment.

    Attributes:
        shapes: shape of every value of the graph, without the batch.

    Examples:
        >>> deconvnet.record(images, ["conv5"]).activations("conv5").shape
        TensorShape([4, 5, 5, 128])
    """

    def __init__(self, passes: Passes, images: Inputs, recorded: set[int], form: InputForm) -> None:
        self._passes, self._graph, self._images, self._values = passes, passes.graph, images, recorded
        self._form, self._count = form, len(images[0])
        self.shapes = passes.shapes(images)
        numbers = values_to_store(passes.graph, recorded, recorded)
        self._stored: list[tuple[int, RecordedBatch]] | None = None
        if self._count * sum(int(np.prod(self.shapes[number])) for number in numbers) <= MOST_STORED:
            self._stored = list(self._run(numbers, np.arange(self._count)))

    def _run(self, numbers: tuple[int, ...], examples: np.ndarray) -> Iterator[tuple[int, RecordedBatch]]:
        """Runs the batches that hold some images: the number of the first image of each, and the batch."""
        together = self._passes.images_together(self.shapes, numbers)
        for first in together * np.unique(examples // together):
            batch = tuple(each[first : first + together] for each in self._images)
            yield int(first), record_batch(self._passes, batch, numbers)

    def _batches(self, layer: str, examples: np.ndarray | None = None) -> Iterator[tuple[int, RecordedBatch]]:
        """Batches with all that a layer's projections need, of all images or some."""
        value = self._graph.value_of(layer)
        if value not in self._values:
            raise ValueError(f"Layer {layer!r} was not recorded; name it in `record(images, layers)`.")
        if self._stored is not None:
            return iter(self._stored)
        return self._run(values_to_store(self._graph, {value}, {value}), np.arange(self._count) if examples is None else examples)

    def activations(self, layer: str) -> tf.Tensor:
        """Activations of `layer` in the model's layout: a tensor `(N, h, w, units)`, or `(N, units)` for a dense layer."""
        value = self._graph.value_of(layer)
        parts = [batch.activations(layer) for _, batch in self._batches(layer)]
        return to_model_layout(parts[0] if len(parts) == 1 else tf.concat(parts, axis=0), self._graph, value)

    def _repr_html_(self) -> str:
        """A table for a notebook: shape and strongest activation of each recorded layer; nothing is computed again for it."""
        names = self._graph.first_names()
        rows = []
        for value in sorted(self._values & names.keys()):
            shape = " x ".join(map(str, self.shapes[value]))
            rows.append([names[value], shape, *self._strongest(names[value])])
        sizes = " and ".join(" x ".join(map(str, each.shape[1:])) for each in self._images)
        return html_table(f"Recording of {self._count} images, {sizes}", HEADINGS, rows)

    def _strongest(self, layer: str) -> list[str]:
        """The strongest activation of a layer, with its image, unit and position; nothing if activations are not stored."""
        if self._stored is None:
            return []
        parts = [(first, np.asarray(batch.activations(layer))) for first, batch in self._stored]
        first, values = max(parts, key=lambda part: part[1].max())
        image, *position, unit = np.unravel_index(values.argmax(), values.shape)
        return [f"{values.max():.3g}", str(first + image), str(unit), ", ".join(map(str, position))]

    def switches(self, layer: str) -> np.ndarray:
        """Positions of the maxima of a max pooling layer (Zeiler & Fergus 2013, section 2.1, "Unpooling").

        Returns an int64 array `(N, h, w, maps, 2)`: row and column in the layer's input; one number for a signal, three for a volume. A
        layer without switches is a ValueError.
        """
        calls = self._graph.calls.items()
        pools = {name: operation for name, operations in calls for operation in operations if isinstance(operation.rule, MaxPool)}
        self._graph.value_of(layer)
        if layer not in pools:
            raise ValueError(f"Layer {layer!r} has no switches; max pooling layers have: {', '.join(pools) or 'there is none'}.")
        return np.concatenate([batch.switches(pools[layer]) for _, batch in self._batches(layer)])

    def project(self, layer: str, unit: ArrayLike, position: ArrayLike | None = None, example: ArrayLike | None = None) -> Any:
        """Projects single activations back to pixels.

        Args:
            layer: name of the layer.
            unit: feature map or dense unit: an int, or `(M,)` ints, one for each projection.
            position: `(row, column)` in the map, or `(M, 2)`; `None` takes the strongest of each map. Not for dense layers. It is
                `(step,)` for a signal, `(slice, row, column)` for a volume.
            example: image of each projection, an int or `(M,)` ints; `None` takes every image once, in order.

        Returns:
            Array `(M, H, W, C)` in the model's layout and type (float32): signed pixel values, in proportion to the activation. For a model
            of several inputs a list or dict of arrays, in the form of the images, with zeros for an input that the unit does not depend on.

        Raises:
            ValueError: if a unit, position or example is out of range.

        Examples:
            >>> deconvnet.record(images, ["conv5"]).project("conv5", [7, 8], position=(2, 3), example=0).shape
            (2, 96, 96, 3)
        """
        images: list[np.ndarray | None] = [None] * len(self._images)
        for count, rows, batch, targets in self._targets(layer, unit, position, example):
            parts = batch.images_of(layer, targets)
            images = [_joined(whole, rows, part, count) for whole, part in zip(images, parts, strict=True)]
        return self._form.join(images)

    def project_patches(
        self, layer: str, unit: ArrayLike, position: ArrayLike | None = None, example: ArrayLike | None = None
    ) -> tuple[Any, Any]:
        """Projects single activations, each to the receptive field of its unit; arguments as in `project`.

        Nothing else is computed where the layers below have windows, which is many times faster for lower layers.

        Returns:
            Array `(M, rh, rw, C)` in the model's layout and type (float32): windows of the size of the receptive field, 0 outside of the
            image; and int array `(M, 2)`, the row and column of each window's top left corner in the image, negative outside of it. For a
            model of several inputs two lists or dicts of arrays, in the form of the images. An input in which the units have no single
            receptive field, or that they do not depend on, gets whole projections, and None instead of corners.

        Raises:
            ValueError: as `project` does, and if the layer's units have no single receptive field in the one input of the model.

        Examples:
            >>> patches, corners = deconvnet.record(images, ["conv5"]).project_patches("conv5", 7)
            >>> patches.shape, corners.shape
            ((4, 139, 139, 3), (4, 2))
        """
        if len(self._images) == 1:
            field_of_value(self._graph, self._graph.value_of(layer), self.shapes)
        windows: list[np.ndarray | None] = [None] * len(self._images)
        corners = list(windows)
        for count, rows, batch, targets in self._targets(layer, unit, position, example):
            for source, (window, corner) in enumerate(batch.windows_of(layer, targets)):
                windows[source] = _joined(windows[source], rows, window, count)
                corners[source] = None if corner is None else _joined(corners[source], rows, corner, count)
        return self._form.join(windows), self._form.join(corners)

    def _targets(
        self, layer: str, unit: ArrayLike, position: ArrayLike | None, example: ArrayLike | None
    ) -> Iterator[tuple[int, np.ndarray, RecordedBatch, Targets]]:
        """Yields the number of projections, and for each batch those in it, the batch, and its targets; one batch if there are none."""
        shape = self._count, *self.shapes[self._graph.value_of(layer)]
        places = find_places(shape, layer, unit, position, example)
        needed = places.examples if len(places.examples) else np.zeros(1, int)
        for first, batch in self._batches(layer, needed):
            activations = np.asarray(batch.activations(layer))
            rows = np.flatnonzero((places.examples >= first) & (places.examples < first + len(activations)))
            if len(rows) or (not first and not len(places.examples)):
                yield len(places.examples), rows, batch, places.targets(rows, activations, first)


def _joined(whole: np.ndarray | None, rows: np.ndarray, part: np.ndarray, count: int) -> np.ndarray:
    """Puts some rows of an array of `count` rows to their place; all at once are the array."""
    if len(part) == count:
        return part
    whole = np.empty((count, *part.shape[1:]), part.dtype) if whole is None else whole
    whole[rows] = part
    return whole
