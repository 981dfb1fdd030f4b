"""The layers that a figure looks at: those that are named, else some of the paper's."""

from collections.abc import Sequence

from zfnet.components.figures.paper_layers import paper_layers
from zfnet.model.deconvnet.deconvnet import Deconvnet


def chosen_layers(deconvnet: Deconvnet, named: Sequence[str], *usual: str) -> list[str]:
    """Names the layers, each once.

    Args:
        deconvnet: of the model.
        named: names that were given.
        usual: if there are none, which ones of `PaperLayers`.

    Returns:
        Their names.

    Raises:
        ValueError: the model has no such layer, or no convolution to start from.

    Examples:
        >>> chosen_layers(Deconvnet(build("zfnet-small", classes=15)), [], "first", "hidden")
        ['conv1', 'fc7']
    """
    for layer in named:
        deconvnet.graph.value_of(layer)
    if not named:
        found = paper_layers(deconvnet)
        named = [getattr(found, name) for name in usual]
    return list(dict.fromkeys(named))
