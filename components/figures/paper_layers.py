"""Layers 1, 5 and 7 of the paper, in any net: what figures look at when nobody names a layer."""

from typing import NamedTuple

import keras

from zfnet.components.pictures.preprocessing import LAYER
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph, Operation

POOLS = (
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalAveragePooling2D,
)


class PaperLayers(NamedTuple):
    """Names of layers, as in `Deconvnet.layers`.

    Attributes:
        first: the first convolution: layer 1, `conv1` of ZFNet.
        last_map: what the last pooling takes: layer 5 before it is pooled, `conv5`; the last map of a net without pooling.
        pooled: that pooling: layer 5 as features, `pool5`; `last_map` of a net without pooling.
        hidden: what the last dense layer, the logits, takes: layer 7, `fc7`; `pooled` of a net without a dense layer.
    """

    first: str
    last_map: str
    pooled: str
    hidden: str


def paper_layers(deconvnet: Deconvnet) -> PaperLayers:
    """Finds them.

    Args:
        deconvnet: of the model.

    Returns:
        The names.

    Raises:
        ValueError: the model has no convolution.

    Examples:
        >>> paper_layers(Deconvnet(build("zfnet-small", classes=15)))
        PaperLayers(first='conv1', last_map='conv5', pooled='pool5', hidden='fc7')
    """
    graph = deconvnet.graph
    names: dict[int, str] = {}
    for name, value in graph.outputs.items():
        names.setdefault(value, name)  # Layers that change nothing name the value of the layer below once more.
    convolutions = [name for name, calls in graph.calls.items() if _is(calls, keras.layers.Conv2D) and not name.startswith(LAYER)]
    if not convolutions:
        raise ValueError(f"The model has no Conv2D layer, which figures start from. It has: {', '.join(deconvnet.layers)}.")
    # One that takes the image itself pools no features.
    pools = [name for name, calls in graph.calls.items() if _is(calls, POOLS) and calls[0].inputs[0] in names]
    if pools:
        pooled = pools[-1]
        last_map = names[graph.calls[pooled][0].inputs[0]]
    else:
        pooled = last_map = [name for value, name in names.items() if len(graph.shapes[value]) == 3][-1]
    dense = [calls[0].inputs[0] for calls in graph.calls.values() if _is(calls, keras.layers.Dense)]
    hidden = names[_before_flattening(graph, dense[-1])] if dense else pooled
    return PaperLayers(convolutions[0], last_map, pooled, hidden)


def _before_flattening(graph: Graph, value: int) -> int:
    producers = {operation.output: operation for operation in graph.operations}
    while value in producers and isinstance(producers[value].layer, keras.layers.Flatten | keras.layers.Dropout):
        value = producers[value].inputs[0]
    return value


def _is(calls: list[Operation], kinds: type | tuple[type, ...]) -> bool:
    return bool(calls) and isinstance(calls[0].layer, kinds)
