"""Receptive fields: the window of the image that a unit depends on, cut out and put back."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from zfnet.model.deconvnet.graph import Graph, Shape
from zfnet.model.deconvnet.model_inputs import input_number
from zfnet.model.deconvnet.operation import Operation
from zfnet.model.deconvnet.rules.window import WHOLE, Window


class ReceptiveField(NamedTuple):
    """Windows of the image that the units of a layer depend on; all in input pixels, `(height, width)`.

    There is one number for a signal, `(length,)`, and three for a volume, `(depth, height, width)`.

    Attributes:
        size: size of the window of one unit.
        stride: between the windows of neighbouring units; 0 for units that depend on the whole image.
        offset: row and column of the window of the unit at position (0, 0); negative if padding is part of it.

    Examples:
        >>> receptive_field(model, "conv1").size
        (7, 7)
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: tuple[int, ...]


def receptive_field(model: Any, layer: str, input_name: str | None = None) -> ReceptiveField:
    """Computes the receptive field of a layer.

    Zeiler & Fergus 2013, Fig. 2 crops its patches to it. The window of the unit at `(row, column)` starts at
    `offset + stride * (row, column)`.

    Args:
        model: a Keras model, or a `Deconvnet` of one.
        layer: name of the layer.
        input_name: for a model of several inputs, the one that the field lies in: a key of the dict that the model takes, or the name of an
            Input.

    Raises:
        ValueError: if there is no such layer or input, the layer does not depend on it, its units have no single receptive field (above an
            UpSampling2D, say), or the field depends on an image size that the model leaves open.

    Examples:
        >>> receptive_field(model, "conv5")
        ReceptiveField(size=(139, 139), stride=(16, 16), offset=(-49, -49))
    """
    is_read = isinstance(getattr(model, "graph", None), Graph)
    graph, keras_model = (model.graph, model.model) if is_read else (Graph(model), model)
    return field_of_value(graph, graph.value_of(layer), graph.shapes, input_number(keras_model, input_name))


def field_of_value(graph: Graph, value: int, shapes: Sequence[Shape], source: int = 0) -> ReceptiveField:
    """Receptive field of a value of a graph in the input of number `source`; `shapes` are those of all values.

    A ValueError is raised if that input is a vector, or the value does not depend on it.
    """
    dims = graph.dims[source]
    if not dims:
        raise ValueError(
            f"The input of the model has the shape {tuple(shapes[source])}: it has no rows and columns, so no receptive fields."
        )
    fields = {source: ReceptiveField((1,) * dims, (1,) * dims, (0,) * dims)}
    for operation in graph.needed_for(value):
        taken = [number for number in operation.inputs if number in fields]
        if taken:
            below = [fields[number] for number in taken]
            fields[operation.output] = _above(operation, below, [shapes[number] for number in taken], shapes[source])
    if value not in fields:
        raise ValueError(f"The units of layer {graph.first_names()[value]!r} do not depend on this input.")
    field = fields[value]
    if any(field.stride) and len(shapes[value]) != dims + 1:
        raise ValueError(
            f"Layer {graph.first_names()[value]!r} has an output of shape {tuple(shapes[value])}, which is no longer maps: its units have "
            "no single receptive field."
        )
    return field


def sees_all(graph: Graph, value: int, shapes: Sequence[tuple[int, ...]], source: int = 0) -> bool:
    """Whether units are shown with the whole image: their field is no smaller, or they have no single field."""
    try:
        size = field_of_value(graph, value, shapes, source).size
    except ValueError:
        return True
    return all(length >= limit for length, limit in zip(size, shapes[source], strict=False))


def _above(operation: Operation, below: list[ReceptiveField], shapes: list[Shape], image_shape: Shape) -> ReceptiveField:
    dims = len(below[0].size)
    for field in below:
        # Whoever sees the whole image, all above see it too.
        if not any(field.stride):
            return field
    window = operation.window
    if window == WHOLE:
        size = tuple(length for length in image_shape[:dims] if length is not None)
        if len(size) < dims:
            raise ValueError(f"The units of layer {operation.layer.name!r} see the whole image, whose size the model leaves open.")
        return ReceptiveField(size, (0,) * dims, (0,) * dims)
    seen = [_through(window, field, shape) for field, shape in zip(below, shapes, strict=True)]
    return _union(operation, seen) if len(seen) > 1 else seen[0]


def _through(window: Window, field: ReceptiveField, shape: Shape) -> ReceptiveField:
    """Field of a window of units that have a field themselves, in a value of `shape`."""
    if window.is_point:
        return field
    dims = len(field.size)
    before = window.padding(shape[:-1] if len(shape) == dims + 1 else (1,) * dims)
    axes = [
        (size + (length - 1) * stride, stride * step, offset - pad * stride)
        for length, step, pad, size, stride, offset in zip(window.size, window.strides, before, *field, strict=True)
    ]
    return ReceptiveField(*zip(*axes, strict=True))


def _union(operation: Operation, fields: list[ReceptiveField]) -> ReceptiveField:
    if len({field.stride for field in fields}) > 1:
        raise ValueError(f"Layer {operation.layer.name!r} joins branches of different strides; its units have no single receptive field.")
    first = np.min([field.offset for field in fields], axis=0).tolist()
    last = np.max([np.add(field.offset, field.size) for field in fields], axis=0).tolist()
    return ReceptiveField(tuple(end - start for start, end in zip(first, last, strict=True)), fields[0].stride, tuple(first))


def cut_window(image: np.ndarray, corner: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Cuts a window of `size` `(height, width)` out of an image `(H, W, C)` or `(H, W)`, with zeros outside; `corner` is its top left."""
    window = np.zeros((*size, *image.shape[len(size) :]), image.dtype)
    in_window, in_image = _overlap(corner, size, image.shape)
    window[in_window] = image[in_image]
    return window


def paste_window(image: np.ndarray, window: np.ndarray, corner: np.ndarray) -> None:
    """Writes a window into an image, in place, as far as it lies inside; arguments as in `cut_window`."""
    in_window, in_image = _overlap(corner, window.shape, image.shape)
    image[in_image] = window[in_window]


def move_inside(windows: np.ndarray, corners: np.ndarray, limits: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Moves windows that leave their image back into it, by as little as possible; their content stays at its place in the image.

    `windows` `(M, h, w, C)` are 0 outside of the image, `corners` are ints `(M, 2)`, row and column of their top left corners, possibly
    negative, and `limits` is `(H, W)` of the image.

    Returns:
        Array `(M, min(h, H), min(w, W), C)`, 0 where the original window did not reach; and ints `(M, 2)`, corners in the image.

    Examples:
        >>> window = np.array([[0, 0], [5, 6]])  # Its upper row lies above the image.
        >>> moved, corners = move_inside(window[None, :, :, None], np.array([[-1, 2]]), (8, 8))
        >>> moved[0, :, :, 0].tolist(), corners.tolist()
        ([[5, 6], [0, 0]], [[0, 2]])
    """
    size = tuple(map(min, windows.shape[1:], limits))
    inside = np.clip(corners, 0, np.subtract(limits, size))
    moved = np.zeros((len(windows), *size, *windows.shape[1 + len(size) :]), windows.dtype)
    for target, window, shift in zip(moved, windows, corners - inside, strict=True):
        paste_window(target, window, shift)
    return moved, inside


def _overlap(corner, size, shape):
    first = [max(0, int(low)) for low in corner]
    last = [max(start, min(limit, int(low) + length)) for start, low, length, limit in zip(first, corner, size, shape, strict=False)]
    in_image = tuple(slice(start, stop) for start, stop in zip(first, last, strict=True))
    in_window = tuple(slice(part.start - int(low), part.stop - int(low)) for part, low in zip(in_image, corner, strict=True))
    return in_window, in_image
