"""Choice of a few feature maps that show the variety of a layer."""

import collections
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from zfnet.model.deconvnet.strongest import Strongest


class VariedMap(NamedTuple):
    """A feature map, by its number, and the ranks of the activations to show, strongest first.

    `label` is the class of most of these, among equals that of the strongest; `votes` the number of activations from this class;
    `photograph` the photograph of most of them; `strength` their mean.
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
    """Chooses at most `count` maps of a layer, of different classes if there are enough; Zeiler & Fergus 2013, Fig. 2, take maps at random.

    Maps are ordered by, first to last: more activations to show; a mean activation not below the median of the layer's maps; if `agreeing`,
    the number of activations from one class, less one for each time that this class is shown already; a higher mean activation; a lower
    number. In this order each map is taken whose class no chosen map has; if fewer than `count` are found, each whose photograph no chosen
    map has; then the others.

    Args:
        places: for each map that may be chosen the ranks of the activations to show, at least one.
        labels, photographs: the class of each example, ints `(N,)`, and the name of its photograph.
        agreeing: whether maps are preferred whose activations come from one class.
        shown: for each class, the number of maps of other layers that respond to it.
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
    # Among equals `Counter` gives the one that came first.
    return collections.Counter(values).most_common(1)[0]
