"""What else a unit answers to: its strongest activations in examples, projected."""

from typing import NamedTuple

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.figures.example_search import ExampleSearch
from zfnet.components.pictures.projected_pictures import projected_pictures
from zfnet.model.deconvnet.deconvnet import Deconvnet

SHOWN_ELSEWHERE = 5


class Elsewhere(NamedTuple):
    """One strong activation of the unit.

    Attributes:
        example: id of the example.
        activation: how strong it is.
        position: row and column in the map; empty for a dense unit.
        corner: row and column of the window's corner in the image.
        projection: uint8 `(h, w, 3)`, 0 is grey.
        patch: uint8 `(h, w, 3)`, the same window of the image.
    """

    example: str
    activation: float
    position: list[int]
    corner: list[int]
    projection: np.ndarray
    patch: np.ndarray


def strongest_elsewhere(deconvnet: Deconvnet, examples: Examples, layer: str, unit: int, most: int | None) -> list[Elsewhere]:
    """Finds the five strongest activations of a unit at different places of the validation examples, strongest first.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        examples: prepared examples, made for the model's larger side.
        layer: name of a layer.
        unit: one of its units.
        most: how many examples, from the first, to search; None searches all.

    Returns:
        Them; fewer where there are not as many places.
    """
    search = ExampleSearch(deconvnet, examples, most)
    strongest = search.strongest([layer])
    found, ranks = strongest[layer], search.different(layer, unit, SHOWN_ELSEWHERE)
    if not ranks:
        return []
    made = {}
    for part in search.project(strongest, {layer: (np.full(len(ranks), unit), np.array(ranks))}):
        pictures = projected_pictures(part, search.image_input)
        for row, rank in enumerate(part.ranks.tolist()):
            made[rank] = Elsewhere(
                search.origins.ids[found.examples[unit, rank]],
                float(found.values[unit, rank]),
                found.positions[unit, rank].tolist(),
                part.corners[row].tolist(),
                pictures.projections[row],
                pictures.patches[row],
            )
    return [made[rank] for rank in ranks]
