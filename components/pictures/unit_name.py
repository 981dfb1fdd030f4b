"""What a unit is called above its picture."""

from collections.abc import Sequence

from zfnet.model.deconvnet.deconvnet import Deconvnet


def unit_name(deconvnet: Deconvnet, layer: str, unit: int, labels: Sequence[str] = ()) -> str:
    """Names a unit: `conv3, map 17`, or `predictions, unit 3 (coffee)`.

    Args:
        deconvnet: of the model.
        layer: name of its layer.
        unit: its number.
        labels: names of the classes, in the order of the model's outputs; empty if they are not known.

    Returns:
        The name.
    """
    graph = deconvnet.graph
    value = graph.value_of(layer)
    if len(graph.shapes[value]) > 1:
        return f"{layer}, map {unit}"
    return f"{layer}, unit {unit}" + (f" ({labels[unit]})" if is_class_layer(deconvnet, layer, labels) else "")


def is_class_layer(deconvnet: Deconvnet, layer: str, labels: Sequence[str]) -> bool:
    """Whether the units of a layer stand for classes: it is the model's output, and there are as many names."""
    graph = deconvnet.graph
    value = graph.value_of(layer)
    return value == list(graph.outputs.values())[-1] and tuple(graph.shapes[value]) == (len(labels),)
