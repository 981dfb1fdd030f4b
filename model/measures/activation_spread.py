"""How evenly activation is spread over the maps of a layer, or piled up in a few of them."""

import math
from typing import NamedTuple

import numpy as np


class ActivationSpread(NamedTuple):
    """The spread of one layer.

    Attributes:
        entropy: of the maps' shares in all activation, as a fraction of the logarithm of their number: 1 where all are equally active,
            0 where one has it all (or there is one alone, or none is active).
        strongest_tenth: what the strongest tenth of the maps, rounded up, have of all activation, 0..1; 0 where none is active.
    """

    entropy: float
    strongest_tenth: float


def activation_spread(means: np.ndarray) -> ActivationSpread:
    """Measures how evenly the maps of a layer are active.

    Reading: the paper speaks of filters that dominate (section 3) and shows dead ones (Fig. 6), without a number.

    Args:
        means: `(maps,)`, mean activation of each map over some images, not negative.

    Returns:
        The spread.

    Raises:
        ValueError: a mean is negative or not a number, or there are none.

    Examples:
        >>> activation_spread(np.array([1.0, 1.0, 0.0, 0.0]))
        ActivationSpread(entropy=0.5, strongest_tenth=0.5)
    """
    means = np.asarray(means, np.float64)
    if means.ndim != 1 or not len(means) or not np.isfinite(means).all() or means.min() < 0:
        raise ValueError(f"Expected one mean activation for each map, finite and not negative; got {means}.")
    if not means.any():
        return ActivationSpread(0.0, 0.0)
    shares = means / means.sum()
    living = shares[shares > 0]
    entropy = -float(np.sum(living * np.log(living))) / math.log(len(means)) if len(means) > 1 else 0.0
    strongest = np.sort(shares)[::-1][: math.ceil(len(shares) / 10)]
    return ActivationSpread(abs(entropy), float(strongest.sum()))
