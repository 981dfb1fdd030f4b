"""Layers of a training that a user chooses by name: `conv1..conv3`, `conv1,fc6`, and a factor for each, `conv1=0.1`."""

import math
from collections.abc import Sequence

RANGE = ".."


def chosen_layers(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Reads names of layers, separated by commas; `FIRST..LAST` are all layers from one to another.

    Args:
        text: the choice of a user.
        names: all layers with weights, from the image upwards.

    Returns:
        The chosen names, in the order of `names`.

    Raises:
        ValueError: there is no such layer, or LAST comes before FIRST; the message lists the names.

    Examples:
        >>> chosen_layers("conv1..conv3,fc6", ["conv1", "conv2", "conv3", "conv4", "fc6"])
        ('conv1', 'conv2', 'conv3', 'fc6')
    """
    chosen: set[str] = set()
    for part in text.split(","):
        first, dots, last = (word.strip() for word in part.partition(RANGE))
        ends = [_place(word, names) for word in ((first, last) if dots else (first,))]
        if ends[0] > ends[-1]:
            raise ValueError(f"{part.strip()}: {last} is below {first}; expected {last}..{first}.")
        chosen.update(names[ends[0] : ends[-1] + 1])
    return tuple(name for name in names if name in chosen)


def layer_factors(text: str, names: Sequence[str]) -> dict[str, float]:
    """Reads factors of layers, `LAYERS=FACTOR` separated by commas, where LAYERS is a name or a range of names.

    Returns:
        The factor of each chosen layer, by name, in the order in which they were given.

    Raises:
        ValueError: there is no such layer, a factor is not greater than 0, or a layer has two.

    Examples:
        >>> layer_factors("conv1..conv2=0.1,predictions=10", ["conv1", "conv2", "predictions"])
        {'conv1': 0.1, 'conv2': 0.1, 'predictions': 10.0}
    """
    factors: dict[str, float] = {}
    for part in text.split(","):
        layers, _, number = part.partition("=")
        try:
            factor = float(number)
        except ValueError:
            raise ValueError(f"{part.strip()!r} is no rate of a layer; expected LAYER=FACTOR, such as {names[0]}=0.1.") from None
        if not 0 < factor < math.inf:
            raise ValueError(
                f"The factor of {layers.strip()} is {factor:g}; it must be greater than 0, and finite. "
                "Instead of the factor 0, freeze the layer."
            )
        for name in chosen_layers(layers, names):
            if name in factors:
                raise ValueError(f"{name} has two factors, {factors[name]:g} and {factor:g}; expected one.")
            factors[name] = factor
    return factors


def _place(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise ValueError(f"There is no layer {name!r} with weights; there are {', '.join(names)}.")
    return names.index(name)
