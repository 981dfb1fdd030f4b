"""The paper's layers 1 to 7 as features, in any net: each with the pooling and normalisation on top of it."""

import keras

from zfnet.components.figures.default_layers import default_layers
from zfnet.components.figures.paper_layers import POOLS, paper_layers
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.net.contrast_normalization import ContrastNormalization

# What belongs to the layer below it.
ON_TOP = (
    *POOLS,
    ContrastNormalization,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
)


def feature_layers(deconvnet: Deconvnet) -> list[str]:
    """Names the layers whose features are compared if nobody names any.

    Zeiler & Fergus 2013, Table 7. Reading: the features of layer n are all values that layer n + 1 takes, so after pooling and contrast
    normalisation; the dense layers between the maps and the logits are layers 6 and 7. Of more than ten convolutions five are taken.

    Args:
        deconvnet: of the model.

    Returns:
        Names, from the image upwards; the last is what the logits take, `paper_layers(...).hidden`.

    Raises:
        ValueError: the model has no convolution.

    Examples:
        >>> feature_layers(Deconvnet(build("zfnet-small", classes=15)))
        ['norm1', 'norm2', 'conv3', 'conv4', 'pool5', 'fc6', 'fc7']
    """
    graph = deconvnet.graph
    names: dict[int, str] = {}
    for name, value in graph.outputs.items():
        names.setdefault(value, name)
    dense = [name for name, calls in graph.calls.items() if calls and isinstance(calls[0].layer, keras.layers.Dense)]
    found = [_top(graph, names, graph.value_of(name)) for name in [*default_layers(deconvnet), *dense[:-1]]]
    return list(dict.fromkeys([*(names[value] for value in found), paper_layers(deconvnet).hidden]))


def _top(graph: Graph, names: dict[int, str], value: int) -> int:
    while True:
        takers = [operation for operation in graph.operations if value in operation.inputs]
        if len(takers) != 1 or not isinstance(takers[0].layer, ON_TOP) or takers[0].output not in names:
            return value
        value = takers[0].output
