"""Which window of the image a unit sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import keras

from zfnet.model.deconvnet.graph import Graph, Operation, Shape
from zfnet.model.deconvnet.rules.window import WHOLE


class HasGraph(Protocol):
    """A `Deconvnet`, for one, which knows the graph of its model."""

    graph: Graph


class ReceptiveField(NamedTuple):
    """Where the units of a layer look; all in pixels of the input, `(height, width)`.

    Attributes:
        size: of the window that one unit sees.
        stride: between the windows of neighbouring units; 0 for units that see the whole image.
        offset: row and column of the window of the unit at position (0, 0); negative where padding is part of it.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[int, int]


def receptive_field(model: keras.Model | HasGraph, layer: str) -> ReceptiveField:
    """Computes the receptive field of a layer.

    Zeiler & Fergus 2013, Fig. 2 crops its patches to it. The window of the unit at `(row, column)` starts at
    `offset + stride * (row, column)`.

    Args:
        model: a Keras model with one input, or a `Deconvnet` of one.
        layer: name of the layer.

    Returns:
        Size, stride and offset.

    Raises:
        ValueError: if there is no such layer, or its units have no single receptive field (above an UpSampling2D, say), or
            depends on the size of the image and the model leaves that open.

    Examples:
        >>> receptive_field(ZFNet(), "conv5")
        ReceptiveField(size=(139, 139), stride=(16, 16), offset=(-49, -49))
    """
    graph = model.graph if isinstance(getattr(model, "graph", None), Graph) else Graph(model)
    return field_of_value(graph, graph.value_of(layer), graph.shapes)


def field_of_value(graph: Graph, value: int, shapes: Sequence[Shape]) -> ReceptiveField:
    """The receptive field of a value of a graph, whose values have these shapes."""
    fields = {0: ReceptiveField((1, 1), (1, 1), (0, 0))}
    for operation in graph.needed_for(value):
        below = [fields[number] for number in operation.inputs]
        fields[operation.output] = _above(operation, below, shapes[operation.inputs[0]], shapes[0])
    return fields[value]


def sees_all(graph: Graph, value: int, shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether units are shown with the whole image: their field is no smaller, or they have no single one."""
    try:
        size = field_of_value(graph, value, shapes).size
    except ValueError:
        return True
    return all(length >= limit for length, limit in zip(size, shapes[0][:2], strict=True))


def _above(operation: Operation, below: list[ReceptiveField], shape: Shape, image_shape: Shape) -> ReceptiveField:
    window = operation.window
    if window == WHOLE:
        height, width, _ = image_shape
        if height is None or width is None:
            raise ValueError(f"The units of layer {operation.layer.name!r} see the whole image, whose size the model leaves open.")
        return ReceptiveField((height, width), (0, 0), (0, 0))
    if len(below) > 1:
        return _union(operation, below)
    before = window.padding(shape[:2] if len(shape) == 3 else (1, 1))
    axes = [
        (size + (length - 1) * stride, stride * step, offset - pad * stride)
        for length, step, pad, size, stride, offset in zip(window.size, window.strides, before, *below[0], strict=True)
    ]
    return ReceptiveField(*zip(*axes, strict=True))


def _union(operation: Operation, fields: list[ReceptiveField]) -> ReceptiveField:
    for field in fields:
        if field.stride == (0, 0):
            return field
    if len({field.stride for field in fields}) > 1:
        raise ValueError(f"Layer {operation.layer.name!r} joins branches of different strides; its units have no single receptive field.")
    top, left = (min(field.offset[axis] for field in fields) for axis in range(2))
    bottom, right = (max(field.offset[axis] + field.size[axis] for field in fields) for axis in range(2))
    return ReceptiveField((bottom - top, right - left), fields[0].stride, (top, left))
