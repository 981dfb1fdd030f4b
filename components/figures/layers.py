"""The layers that each figure draws, by default or by name."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from zfnet.components.inputs.preprocessing import LAYER
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.rules.rule import Gradient
from zfnet.model.measures.class_probabilities import class_layer
from zfnet.model.measures.outputs import rectified_output
from zfnet.model.net.layers import ContrastNormalization

MOST = 10  # Convolutions that are all drawn.
SPREAD = 5  # Layers of a deeper net: the first, the last and three between, as many as the paper's net has.
CONVOLUTIONS = keras.layers.Conv2D, keras.layers.SeparableConv2D
POOLS = keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.GlobalMaxPooling2D, keras.layers.GlobalAveragePooling2D
# Layers whose output counts as the output of the layer below.
ON_TOP = (
    *POOLS,
    ContrastNormalization,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
)


def convolutions(graph: Graph) -> list[str]:
    """Names of a model's convolutions, from the image upwards, without that of a preprocessing."""
    return [name for name in _names(graph, keras.layers.Conv2D) if not name.startswith(LAYER)]


def _names(graph: Graph, kinds: type | tuple[type, ...]) -> list[str]:
    return [name for name, calls in graph.calls.items() if calls and isinstance(calls[0].layer, kinds)]


def default_convolutions(deconvnet: Deconvnet) -> list[str]:
    """Names the convolutions to draw, from the image upwards: all of a net that has at most ten, else five, evenly spread.

    Raises:
        ValueError: the model has no convolution.
    """
    graph = deconvnet.graph
    # An activation inside of a convolution is an operation of its own, whose output has the layer's name.
    layers = {operation.output: operation.layer for operation in graph.operations}
    drawn = [
        name for value, name in graph.first_names().items() if isinstance(layers.get(value), CONVOLUTIONS) and not name.startswith(LAYER)
    ]
    if not drawn:
        raise ValueError(
            "The model has no Conv2D or SeparableConv2D layer, which figures draw if no layers are named. It has: "
            f"{', '.join(deconvnet.layers)}."
        )
    if len(drawn) <= MOST:
        return drawn
    return [drawn[place] for place in np.linspace(0, len(drawn) - 1, SPREAD).round().astype(int)]


def default_layers(deconvnet: Deconvnet) -> list[str]:
    """Names the layer that has the ReLU of each of `default_convolutions`, which may be above a normalisation; else the convolution."""
    return [rectified_output(deconvnet.graph, name) or name for name in default_convolutions(deconvnet)]


def watched_layers(deconvnet: Deconvnet, named: Sequence[str] | None, leaves_out: bool = True) -> list[str]:
    """Names the layers whose maps or units can be projected: those in `named`, or if it is None those of `default_layers`.

    If `leaves_out`, layers above one that has its plain gradient as its rule can't be; the deconvnet has to be made with
    `unsupported="gradient"`.

    Raises:
        ValueError: one of `named` can't be projected from, or none of `default_layers`; or there is no such layer.

    Examples:
        >>> watched_layers(deconvnet, None)
        ['conv1', 'conv2', 'conv3', 'conv4', 'conv5']
    """
    graph = deconvnet.graph
    found = default_layers(deconvnet) if named is None else list(dict.fromkeys(named))
    reasons = {layer: no_projection(deconvnet, layer) if leaves_out else None for layer in found}
    possible = [layer for layer in found if not reasons[layer]]
    if not possible or (named is not None and len(possible) < len(found)):
        layer, reason = next((layer, reason) for layer, reason in reasons.items() if reason)
        raise ValueError(
            f"Layer {layer!r} of the model {deconvnet.model.name!r} can't be projected from: {reason}. `unsupported` or `rules` "
            "can give that layer a rule."
        )
    for layer in possible:
        if len(shape := graph.shapes[graph.value_of(layer)]) not in (1, 3):
            raise ValueError(f"Layer {layer!r} has an output of shape {shape}; expected feature maps or dense units.")
    return possible


def no_projection(deconvnet: Deconvnet, layer: str) -> str | None:
    """Reason why a layer cannot be projected: no deconvnet is defined for a layer below it; None if it can."""
    for operation in deconvnet.graph.needed_for(deconvnet.graph.value_of(layer)):
        if isinstance(operation.rule, Gradient):
            return f"no deconvnet is defined for layer {operation.layer.name!r} ({type(operation.layer).__name__})"
    return None


def chosen_layers(deconvnet: Deconvnet, named: Sequence[str], *usual: str) -> list[str]:
    """Names the layers, each once: those in `named`, or else these fields of `PaperLayers`.

    Raises:
        ValueError: the model has no such layer, or no convolution to start from.

    Examples:
        >>> chosen_layers(deconvnet, [], "first", "hidden")
        ['conv1', 'fc7']
    """
    for layer in named:
        deconvnet.graph.value_of(layer)
    if not named:
        found = paper_layers(deconvnet)
        named = [getattr(found, name) for name in usual]
    return list(dict.fromkeys(named))


class PaperLayers(NamedTuple):
    """Names of layers, as in `Deconvnet.layers`.

    Attributes:
        first: the first convolution: layer 1, `conv1` of ZFNet.
        last_map: the input of the last pooling: layer 5 before it is pooled, `conv5`; the last map of a net without pooling.
        pooled: that pooling: layer 5 as features, `pool5`; `last_map` of a net without pooling.
        hidden: the input of the last dense layer, the logits of the classes: layer 7, `fc7`; `pooled` of a net without a dense layer.
    """

    first: str
    last_map: str
    pooled: str
    hidden: str


def paper_layers(deconvnet: Deconvnet) -> PaperLayers:
    """Finds the layers that correspond to those of the paper.

    Raises:
        ValueError: the model has no convolution.

    Examples:
        >>> paper_layers(deconvnet)
        PaperLayers(first='conv1', last_map='conv5', pooled='pool5', hidden='fc7')
    """
    graph = deconvnet.graph
    names = graph.first_names()
    if not (found := convolutions(graph)):
        raise ValueError(f"The model has no Conv2D layer, which figures start from. It has: {', '.join(deconvnet.layers)}.")
    # A pooling of the image itself pools no features.
    pools = [name for name in _names(graph, POOLS) if graph.calls[name][0].inputs[0] in names]
    if pools:
        pooled = pools[-1]
        last_map = names[graph.calls[pooled][0].inputs[0]]
    else:
        pooled = last_map = [name for value, name in names.items() if len(graph.shapes[value]) == 3][-1]
    classes = class_layer(deconvnet)
    last = [name for name in _last_dense(graph) if classes is None or graph.value_of(name) == graph.value_of(classes)] or _last_dense(graph)
    hidden = names[_before_flattening(graph, graph.calls[last[-1]][0].inputs[0])] if last else pooled
    return PaperLayers(found[0], last_map, pooled, hidden)


def _last_dense(graph: Graph) -> list[str]:
    """Names of the dense layers below no other dense layer: the last, or one of each output."""
    dense = _names(graph, keras.layers.Dense)
    below = {id(operation) for name in dense for operation in graph.needed_for(graph.calls[name][0].inputs[0])}
    return [name for name in dense if id(graph.calls[name][0]) not in below]


def _before_flattening(graph: Graph, value: int) -> int:
    producers = {operation.output: operation for operation in graph.operations}
    while value in producers and isinstance(producers[value].layer, keras.layers.Flatten | keras.layers.Dropout):
        value = producers[value].inputs[0]
    return value


def feature_layers(deconvnet: Deconvnet) -> list[str]:
    """Names the layers whose features are compared by default.

    Zeiler & Fergus 2013, Table 7. Reading: the features of layer n are all values that layer n + 1 takes, so after pooling and contrast
    normalisation; the dense layers between the maps and the logits are layers 6 and 7. The convolutions are `default_convolutions`; the
    last name is the input of the logits.

    Raises:
        ValueError: the model has no convolution.

    Examples:
        >>> feature_layers(deconvnet)
        ['norm1', 'norm2', 'conv3', 'conv4', 'pool5', 'fc6', 'fc7']
    """
    graph = deconvnet.graph
    names = graph.first_names()
    dense = [name for name in _names(graph, keras.layers.Dense) if name not in _last_dense(graph)]
    found = [_top(graph, names, graph.value_of(name)) for name in [*default_layers(deconvnet), *dense]]
    return list(dict.fromkeys([*(names[value] for value in found), paper_layers(deconvnet).hidden]))


def _top(graph: Graph, names: dict[int, str], value: int) -> int:
    while True:
        takers = [operation for operation in graph.operations if value in operation.inputs]
        if len(takers) != 1 or not isinstance(takers[0].layer, ON_TOP) or takers[0].output not in names:
            return value
        value = takers[0].output
