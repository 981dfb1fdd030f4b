"""Checks of the page's projections: of each unit's strongest one, and of a layer against a net that has learned nothing."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zfnet.components.exploration.explored_layer import ExploredLayer
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.images import mean_grey
from zfnet.model.measures.shuffled_weights import Likeness

SHUFFLED = 16  # Units of a layer whose projections are compared with those of shuffled weights.


class LayerChecks(NamedTuple):
    """Checks of one layer's projections.

    Attributes:
        falls: float `(units, 2)`: the share by which the unit's strongest activation falls without the tenth of pixels that its projection
            marks, and without as many others of its receptive field, see `PixelCheck`; NaN where it is not known.
        shuffled: likeness of projections to those of the same net with all weights shuffled, the mean over some units.
    """

    falls: np.ndarray
    shuffled: Likeness


def check_layers(search: ExampleSearch, layers: Sequence[ExploredLayer]) -> dict[str, LayerChecks]:
    """Checks the strongest projection of every unit of layers, which were searched."""
    living = [each for each in layers if each.chosen]
    chosen = {each.name: (np.array(list(each.chosen)), np.array([ranks[0] for ranks in each.chosen.values()])) for each in living}
    strongest = search.strongest(list(chosen))
    falls = {each.name: np.full((each.units, 2), np.nan) for each in layers}
    fill = mean_grey(search.deconvnet, search.images.image_input, search.images).values
    for each in search.project(strongest, chosen, fill, quick=True):
        if each.check:
            falls[each.layer][each.unit] = [np.nan if (fall := each.check[key]) is None else fall for key in ("fall", "fall_elsewhere")]
    found = {}
    for each in layers:
        some = [part[:: max(1, len(part) // SHUFFLED)][:SHUFFLED] for part in chosen.get(each.name, ())]
        unknown = Likeness(*[np.nan] * len(Likeness._fields))
        found[each.name] = LayerChecks(falls[each.name], search.shuffled(each.name, *some) if some else unknown)
    return found
