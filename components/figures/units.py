"""The units that a figure draws: those of given names, `conv3/17` or `predictions/coffee`, or maps that show the variety of a layer."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest
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


def checked_units(units: Sequence[int], layer: str, count: int) -> list[int]:
    """Numbers of units, each once, from the lowest, of a layer that has `count`.

    Raises:
        ValueError: there is no such unit.

    Examples:
        >>> checked_units([7, 0, 7], "conv3", 8)
        [0, 7]
    """
    if wrong := [unit for unit in units if not 0 <= unit < count]:
        raise ValueError(f"There is no unit {wrong[0]} in layer {layer!r}; it has units 0 to {count - 1}.")
    return sorted(set(units))


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


class VariedMap(NamedTuple):
    """A feature map, by its number, and the ranks of the activations to show, strongest first.

    `label` is the class of most of these, among equals that of the strongest; `votes` the number of activations from this class;
    `photograph` the photograph of most of them; `strength` their mean.
    """

    unit: int
    ranks: list[int]
    label: int
    votes: int
    photograph: str
    strength: float


def varied_maps(
    strongest: Strongest,
    places: Mapping[int, list[int]],
    labels: np.ndarray,
    photographs: Sequence[str],
    count: int,
    *,
    agreeing: bool,
    shown: Mapping[int, int],
) -> list[VariedMap]:
    """Chooses at most `count` maps of a layer, of different classes if there are enough; Zeiler & Fergus 2013, Fig. 2, take maps at random.

    Maps are ordered by, first to last: more activations to show; a mean activation not below the median of the layer's maps; if `agreeing`,
    the number of activations from one class, less one for each time that this class is shown already; a higher mean activation; a lower
    number. In this order each map is taken whose class no chosen map has; if fewer than `count` are found, each whose photograph no chosen
    map has; then the others.

    Args:
        places: for each map that may be chosen the ranks of the activations to show, at least one.
        labels, photographs: the class of each example, ints `(N,)`, and the name of its photograph.
        agreeing: whether maps are preferred whose activations come from one class.
        shown: for each class, the number of maps of other layers that respond to it.
    """
    maps = []
    for unit, ranks in places.items():
        examples = strongest.examples[unit, ranks].tolist()
        label, votes = _commonest([int(labels[number]) for number in examples])
        photograph, _ = _commonest([photographs[number] for number in examples])
        maps.append(VariedMap(unit, ranks, label, votes, photograph, float(strongest.values[unit, ranks].mean())))
    middle = np.median([each.strength for each in maps]) if maps else 0

    def order(each: VariedMap) -> tuple[float, ...]:
        agreement = each.votes - shown.get(each.label, 0) if agreeing else 0
        return -len(each.ranks), each.strength < middle, -agreement, -each.strength, each.unit

    chosen: list[VariedMap] = []
    for kind in ("label", "photograph", "unit"):
        for each in sorted(maps, key=order):
            if len(chosen) < count and all(getattr(each, kind) != getattr(other, kind) for other in chosen):
                chosen.append(each)
    return chosen


def _commonest(values: list) -> tuple:
    # Among equals `Counter` gives the one that came first.
    return collections.Counter(values).most_common(1)[0]
