"""Which layers of several models belong beside each other."""

from collections.abc import Iterable, Sequence

from zfnet.components.figures.default_layers import default_layers
from zfnet.model.deconvnet.deconvnet import Deconvnet


def layers_by_place(deconvnets: Sequence[Deconvnet]) -> tuple[list[tuple[str, ...]], list[list[str]]]:
    """Matches the default layers of models by their place: the first with the first.

    Args:
        deconvnets: of the models.

    Returns:
        For each place the layer of every model; and of each model the layers that are left over, since another has no more.
    """
    layers = [default_layers(deconvnet) for deconvnet in deconvnets]
    shortest = min(map(len, layers))
    return list(zip(*(each[:shortest] for each in layers), strict=True)), [each[shortest:] for each in layers]


def layers_by_name(deconvnets: Sequence[Deconvnet], names: Iterable[str]) -> list[tuple[str | None, ...]]:
    """Matches layers by their name.

    Args:
        deconvnets: of the models.
        names: of layers.

    Returns:
        For each name, once, the layer of every model: None where a model has none of that name.

    Raises:
        ValueError: no model has a layer of a name.
    """
    rows = []
    for name in dict.fromkeys(names):
        row = tuple(name if name in deconvnet.layers else None for deconvnet in deconvnets)
        if not any(row):
            deconvnets[0].graph.value_of(name)  # Says what is there instead.
        rows.append(row)
    return rows
