"""Which feature maps of a layer stand for it in one picture: such as answer to different things."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from zfnet.model.deconvnet.strongest import Strongest


class VariedMap(NamedTuple):
    """A feature map, and what its strongest activations have in common.

    Attributes:
        unit: its number.
        ranks: which of its strongest activations are shown, best first.
        label: the class that most of these come from; of equals, that of the strongest.
        votes: how many do.
        photograph: as `label`, of photographs.
        strength: mean of these activations.
    """

    unit: int
    ranks: list[int]
    label: int
    votes: int
    photograph: str
    strength: float


def varied_maps(
    strongest: Strongest,
    places: Mapping[int, list[int]],
    labels: np.ndarray,
    photographs: Sequence[str],
    count: int,
    *,
    agreeing: bool,
    shown: Mapping[int, int],
) -> list[VariedMap]:
    """Chooses maps of a layer, no two of one class if there are enough.

    The order is: maps with more activations to show first; then those whose mean activation is not below the median of the layer's maps;
    then, if `agreeing`, those of which more activations come from one class, less one for each time that this class is shown already;
    then those with the higher mean activation; then those with the lower number. In this order, each map is taken whose class no chosen
    one has. If there are not `count` of them, each whose photograph no chosen one has, in the same order; then the others. Nothing is
    drawn at random.

    Zeiler & Fergus 2013, Fig. 2, which takes them at random.

    Args:
        strongest: of the layer.
        places: for each map that may be chosen the ranks of the activations to show, at least one.
        labels: ints `(N,)`, the class of each example.
        photographs: of each example, the name of its photograph.
        count: how many to choose.
        agreeing: whether it counts how many of a map's activations come from one class.
        shown: of each class, how many maps of other layers that answer to it are shown.

    Returns:
        The chosen maps, in the order in which they were taken; fewer than `count` if there are not as many.
    """
    maps = []
    for unit, ranks in places.items():
        examples = strongest.examples[unit, ranks].tolist()
        label, votes = _commonest([int(labels[number]) for number in examples])
        photograph, _ = _commonest([photographs[number] for number in examples])
        maps.append(VariedMap(unit, ranks, label, votes, photograph, float(strongest.values[unit, ranks].mean())))
    middle = np.median([each.strength for each in maps]) if maps else 0

    def order(each: VariedMap) -> tuple[float, ...]:
        agreement = each.votes - shown.get(each.label, 0) if agreeing else 0
        return -len(each.ranks), each.strength < middle, -agreement, -each.strength, each.unit

    chosen: list[VariedMap] = []
    for kind in ("label", "photograph", "unit"):
        for each in sorted(maps, key=order):
            if len(chosen) < count and all(getattr(each, kind) != getattr(other, kind) for other in chosen):
                chosen.append(each)
    return chosen


def _commonest(values: list) -> tuple:
    # Of equals `Counter` gives the one that came first.
    return collections.Counter(values).most_common(1)[0]
