"""Names of units: `conv3/17`, or `predictions/coffee`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_layer


def named_units(deconvnet: Deconvnet, names: Iterable[str], labels: Sequence[str] = ()) -> dict[str, list[int]]:
    """Finds named feature maps and dense units: for each layer the numbers, each once, from the lowest.

    Names are `LAYER/NUMBER`, counted from 0; for the layer of the classes also `LAYER/CLASS`. `labels` has the names of the classes in the
    order of the model's outputs; it is empty if they are not known.

    Raises:
        ValueError: there is no such layer or unit.

    Examples:
        >>> named_units(deconvnet, ["conv3/17", "conv3/2", "predictions/cup"], ["ant", "bee", "cat", "cup", "dog"])
        {'conv3': [2, 17], 'predictions': [3]}
    """
    found: dict[str, set[int]] = {}
    for name in names:
        layer, unit = _split(deconvnet, name)
        found.setdefault(layer, set()).add(_number(deconvnet, layer, unit, labels))
    return {layer: sorted(units) for layer, units in found.items()}


def never_positive(named: Mapping[str, Iterable[int]], numbers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names the units of `named_units` that a gallery cannot show, since by its numbers they are never positive."""
    return [f"{layer}/{unit}" for layer, units in named.items() for unit in units if unit in numbers[layer]["dead_maps"]]


def _split(deconvnet: Deconvnet, name: str) -> tuple[str, str]:
    # Names of layers may have slashes, and so may those of classes.
    layers = [layer for layer in deconvnet.layers if name.startswith(f"{layer}/")]
    if layers:
        layer = max(layers, key=len)
        return layer, name[len(layer) + 1 :]
    layer, slash, unit = name.rpartition("/")
    if not slash:
        example = name if name in deconvnet.layers else deconvnet.layers[-1]
        raise ValueError(f"{name!r} names no map: expected LAYER/NUMBER, such as {example}/0.")
    deconvnet.graph.value_of(layer)  # Its error lists the layers there are.
    return layer, unit


def _number(deconvnet: Deconvnet, layer: str, unit: str, labels: Sequence[str]) -> int:
    count = deconvnet.graph.unit_count(layer)
    if unit.isdecimal():
        if int(unit) >= count:
            raise ValueError(f"There is no map {layer}/{unit}: the layer has {count}, counted from 0.")
        return int(unit)
    if not is_class_layer(deconvnet, layer, labels):
        why = "the names of the classes are not known" if not labels else "its units are no classes"
        raise ValueError(f"There is no map {layer}/{unit}: expected a number from 0 to {count - 1}, since {why}.")
    if unit not in labels:
        raise ValueError(
            f"There is no class {unit!r} for {layer}; there are {', '.join(labels[:20])}{', ...' if len(labels) > 20 else ''}."
        )
    return list(labels).index(unit)


def unit_name(deconvnet: Deconvnet, layer: str, unit: int, labels: Sequence[str] = ()) -> str:
    """Names a unit: `conv3, map 17`, or `predictions, unit 3 (cup)`; `labels` are the names of the model's classes, if known."""
    graph = deconvnet.graph
    value = graph.value_of(layer)
    if len(graph.shapes[value]) > 1:
        return f"{layer}, map {unit}"
    return f"{layer}, unit {unit}" + (f" ({labels[unit]})" if is_class_layer(deconvnet, layer, labels) else "")


def is_class_layer(deconvnet: Deconvnet, layer: str, labels: Sequence[str]) -> bool:
    """Whether the units of a layer are classes: it is that of the model's classes, or its only output, and there are as many names."""
    graph = deconvnet.graph
    value, classes = graph.value_of(layer), class_layer(deconvnet)
    is_output = value == graph.value_of(classes) if classes else [value] == graph.results
    return is_output and tuple(graph.shapes[value]) == (len(labels),)
