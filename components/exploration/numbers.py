"""The numbers of the page, as JSON holds them: short, since a page has those of every unit."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.components.exploration.explored_layer import ExploredLayer
from zfnet.components.exploration.pictures import DrawnUnits, GrowthCurves, PhotographTiles
from zfnet.components.exploration.places import UnitPlaces
from zfnet.components.figures.gallery.example_search import SHOWN
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.class_answers import ClassAnswers
from zfnet.model.measures.shuffled_weights import Likeness

CLASSES, UNITS = 5, 12  # Classes that are listed for a unit, and units of a layer for a class.
CHANCE = 0.5  # The AUC of a unit that does not depend on the class: classes below it are none that it answers to.
DIGITS = 4


def layer_numbers(
    layer: ExploredLayer,
    strongest: Strongest,
    drawn: DrawnUnits,
    answers: ClassAnswers | None,
    shuffled: Likeness | None,
    growth: GrowthCurves | None,
    images: Mapping[int, int],
) -> dict[str, Any]:
    """The numbers of one layer, lists with an entry for each unit, except `answering`; `images` has the place of each image on the page.

    Returns:
        `examples`: images of the strongest activations at different places; `values`; `corners` of their windows in the images;
        `classes`: triples of a class, its AUC and its share, the highest AUC first, above chance, none without `answers`; `falls`,
        as `DrawnUnits` has them, None where they are not known; `activations` and `alike` at each moment, of a layer that grows;
        `answering`: for each class triples of a unit, AUC and share; and `shuffled`: pattern and places of the likeness to
        projections with all weights shuffled, None if it is not known.
    """
    ranks = [layer.chosen.get(unit, []) for unit in range(layer.units)]
    found: dict[str, Any] = {
        "examples": [[images[number] for number in strongest.examples[unit, each].tolist()] for unit, each in enumerate(ranks)],
        "values": [rounded(strongest.values[unit, each]) for unit, each in enumerate(ranks)],
        "corners": [drawn.corners[unit, : min(len(each), SHOWN)].tolist() for unit, each in enumerate(ranks)],
        "classes": [
            [each for each in _best(answers.auc[unit], answers.share[unit], CLASSES) if each[1] > CHANCE]
            if answers and unit in layer.chosen
            else []
            for unit in range(layer.units)
        ],
        "falls": [_known(each) for each in drawn.falls],
        "answering": [],
        "shuffled": _known(np.array(shuffled[:2])) if shuffled else None,
    }
    living = np.array(list(layer.chosen), int)
    for aucs, shares in zip(answers.auc[living].T, answers.share[living].T, strict=True) if answers and len(living) else ():
        best = _best(aucs, shares, UNITS)
        found["answering"].append([[int(living[place]), auc, share] for place, auc, share in best])
    if growth:
        found |= {name: [rounded(values) for values in getattr(growth, name)] for name in growth._fields}
    return found


def _best(auc: np.ndarray, share: np.ndarray, count: int) -> list[list[Any]]:
    # Both are NaN for a class without images.
    order = [place for place in np.argsort(-auc, kind="stable")[:count] if np.isfinite(auc[place])]
    return [[int(place), round(float(auc[place]), 3), round(float(share[place]), 3)] for place in order]


def _known(values: np.ndarray) -> list[float] | None:
    return [round(value, DIGITS) for value in values.tolist()] if np.isfinite(values).all() else None


def rounded(values: np.ndarray) -> list[float]:
    """Values to four significant digits.

    Examples:
        >>> rounded(np.array([12.34567, 0.00012345]))
        [12.35, 0.0001234]
    """
    return [float(f"{value:.{DIGITS}g}") for value in values.tolist()]


def photograph_numbers(places: Sequence[UnitPlaces], row: int, drawn: Mapping[int, PhotographTiles]) -> list[dict[str, Any]]:
    """The numbers of one photograph, an entry for each layer.

    Returns:
        `grid`: rows, columns and units; `shares`: their bytes, compressed by zlib, as base64: 255 is the unit's strongest activation over
        all images; `size`, `stride` and `offset` of the places' windows, None if each is the whole image; `units` and `corners` of the
        projections.
    """
    return [
        {
            "grid": each.shares.shape[1:],
            "shares": base64.b64encode(zlib.compress(each.shares[row].tobytes(), 9)).decode(),
            **(each.field._asdict() if each.field else {"size": None, "stride": None, "offset": None}),
            **drawn.get(number, PhotographTiles([], []))._asdict(),
        }
        for number, each in enumerate(places)
    ]
