"""Which layers of a model end in a ReLU: those whose maps can be dead."""

import keras

from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.rules.rule import Rectify

# Layers that leave every map to itself and every position where it is.
MAP_BY_MAP = (keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU)


def rectified_layers(graph: Graph) -> list[str]:
    """Names of the layers whose output is that of a ReLU.

    Only there is a map that is never positive a dead one: nothing that it says gets further, and no gradient comes back. ReLU6 counts too;
    so do leaky and parametric ReLU, which let a little of both through.

    Args:
        graph: of the model.

    Returns:
        Names out of `Deconvnet.layers`, from the image upwards. A convolution without an activation is followed by a layer that has it.

    Examples:
        >>> rectified_layers(Deconvnet(build("zfnet-small", classes=15)).graph)
        ['conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'fc6', 'fc7']
    """
    rectified = {operation.output for operation in graph.operations if isinstance(operation.rule, Rectify)}
    names: dict[int, str] = {}
    for name, value in graph.outputs.items():
        if value in rectified:
            names.setdefault(value, name)  # Layers that change nothing name the value of the layer below once more.
    return list(names.values())


def rectified_output(graph: Graph, layer: str) -> str | None:
    """The layer that has the ReLU of a convolution: itself, or one above it with nothing but normalisation of single maps between.

    Args:
        graph: of the model.
        layer: name of the convolution.

    Returns:
        Its name; `None` if the maps go on without a ReLU, or several ways.

    Raises:
        ValueError: there is no such layer.
    """
    names = {graph.value_of(name): name for name in rectified_layers(graph)}
    value = graph.value_of(layer)
    while value not in names:
        above = [operation for operation in graph.operations if value in operation.inputs]
        if len(above) != 1 or not isinstance(above[0].layer, MAP_BY_MAP):
            return None
        value = above[0].output
    return names[value]
