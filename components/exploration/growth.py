"""The growth of every map: the activation at its strongest place, projected after some epochs of the training."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from zfnet.components.figures.evolution.column import EvolutionColumn, same_places
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest


class MapGrowth(NamedTuple):
    """Some maps of one layer at one moment, at the place of an image where each is strongest in the end.

    Attributes:
        activations: float32 `(M,)`, 0 where the map was not active.
        projections: uint8 `(M, h, w, 3)`, grey is 0; each has a scale of its own.
    """

    activations: np.ndarray
    projections: np.ndarray


def map_growth(
    search: ExampleSearch, chosen: Mapping[str, tuple[np.ndarray, np.ndarray]], moments: Callable[[], Iterable[tuple[str, Deconvnet]]]
) -> Iterator[dict[str, MapGrowth]]:
    """Projects chosen activations of a search at each moment of a training; yields the growth by layer, moment after moment.

    Args:
        search: over the model's images; the layers were searched.
        chosen: for each layer units `(M,)`, none twice, and the rank of one activation of each, `(M,)`.
        moments: gives title and net of each moment, one by one.
    """
    strongest = search.strongest(list(chosen))
    places = {layer: _column(strongest[layer], *found) for layer, found in chosen.items()}
    for title, deconvnet in moments():
        same = same_places(deconvnet, functools.partial(search.images.batches, title), places, search.images.image_input)
        yield {layer: MapGrowth(found.activations, found.projections) for layer, found in same.items()}


def _column(found: Strongest, units: np.ndarray, ranks: np.ndarray) -> EvolutionColumn:
    """The places alone: `same_places` needs no pictures of them."""
    none = np.zeros((len(units), 0), np.float32)
    picked = (found.values[units, ranks], found.examples[units, ranks], found.positions[units, ranks])
    return EvolutionColumn(units, *picked, corners=none, scales=none, projections=none, patches=none, strongest=found.examples[:, 0])


def likeness(projections: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Similarity of pairs of projections, uint8 `(M, h, w, 3)`: float32 `(M,)`, the cosine of the angle between them; 0 if one is empty.

    Examples:
        >>> one = np.full((1, 2, 2, 3), 200, np.uint8)
        >>> likeness(one, one), likeness(one, 255 - one + 1)
        (array([1.], dtype=float32), array([-1.], dtype=float32))
    """
    pairs = [each.reshape(len(each), -1).astype(np.float32) - 128 for each in (projections, others)]
    lengths = np.prod([np.linalg.norm(each, axis=1) for each in pairs], axis=0)
    return (np.sum(pairs[0] * pairs[1], axis=1) / np.maximum(lengths, 1e-6)).astype(np.float32)
