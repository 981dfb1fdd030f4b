"""Which layers of a model are drawn when nobody says which."""

import keras
import numpy as np

from zfnet.components.pictures.preprocessing import LAYER
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.rectified_layers import rectified_output

# A grid for each of up to so many convolutions can still be looked at.
MOST = 10
# Of a deeper net: the first, the last and three between, as many as the paper's net has.
SPREAD = 5


def default_layers(deconvnet: Deconvnet) -> list[str]:
    """Names what the convolutions to draw come to: the layer that has the ReLU, which may be above a normalisation; else the convolution.

    Args:
        deconvnet: of the model.

    Returns:
        Names out of `deconvnet.layers`, one for each of `default_convolutions`.

    Raises:
        ValueError: the model has no convolution.
    """
    return [rectified_output(deconvnet.graph, name) or name for name in default_convolutions(deconvnet)]


def default_convolutions(deconvnet: Deconvnet) -> list[str]:
    """Names the convolutions to draw: all of a net that has at most ten, else five, evenly spread from the first to the last.

    Args:
        deconvnet: of the model.

    Returns:
        Names out of `deconvnet.layers`, from the image upwards.

    Raises:
        ValueError: the model has no convolution.
    """
    graph = deconvnet.graph
    layers = {operation.output: operation.layer for operation in graph.operations}
    first_names: dict[int, str] = {}
    for name, value in graph.outputs.items():
        first_names.setdefault(value, name)  # Layers that change nothing name the value of the layer below once more.
    names = [
        name for value, name in first_names.items() if isinstance(layers.get(value), keras.layers.Conv2D) and not name.startswith(LAYER)
    ]
    if not names:
        raise ValueError(
            f"The model has no Conv2D layer, which is what is drawn if no layers are named. It has: {', '.join(deconvnet.layers)}."
        )
    if len(names) <= MOST:
        return names
    return [names[place] for place in np.linspace(0, len(names) - 1, SPREAD).round().astype(int)]
