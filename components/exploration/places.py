"""Which units answer where in some photographs: every unit's activation at each place, and projections of the strongest of each part."""

import collections
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.model.deconvnet.receptive_field import ReceptiveField
from zfnet.model.deconvnet.strongest import Strongest

PHOTOGRAPHS = 30
MOST_PLACES = 24  # Rows and columns of a layer's map that are stored; neighbours of a finer map are joined.
PARTS, ALL_OVER = 4, 8  # Parts of a photograph along each side, and units of a layer that are projected wherever they are.


class UnitPlaces(NamedTuple):
    """Activations of one layer's units at the places of some photographs.

    Attributes:
        shares: uint8 `(photographs, rows, columns, units)`: 255 is the unit's strongest activation over all images, 0 is none.
        field: window of the place (0, 0) in the photograph and the step to the next, in pixels; None for units that see all of it.
    """

    shares: np.ndarray
    field: ReceptiveField | None


def chosen_photographs(search: ExampleSearch, layers: Sequence[str], count: int = PHOTOGRAPHS) -> list[int]:
    """Chooses images to click on, from all classes in turn: numbers of those where most units have one of their strongest activations.

    The photographs of a class differ as far as possible.
    """
    origins = search.images.origins
    votes = collections.Counter(
        np.concatenate([found.examples[:, :9][found.values[:, :9] > 0] for found in search.strongest(layers).values()]).tolist()
    )
    by_class: dict[int, list[int]] = collections.defaultdict(list)
    taken: dict[int, collections.Counter] = collections.defaultdict(collections.Counter)
    for number, _ in sorted(votes.items(), key=lambda each: (-each[1], each[0])):
        by_class[int(origins.labels[number])].append(number)
    chosen: list[int] = []
    while len(chosen) < count and by_class:
        for label in sorted(by_class):
            used = taken[label]
            best = min(by_class[label], key=lambda number: used[origins.photographs[number]])
            used[origins.photographs[best]] += 1
            by_class[label].remove(best)
            if not by_class[label]:
                del by_class[label]
            chosen.append(best)
    return chosen[:count]


class Here(NamedTuple):
    """Activations in the photographs to project: as `strongest_activations` gives them, and units `(M,)` and ranks `(M,)` in it."""

    strongest: Strongest
    units: np.ndarray
    ranks: np.ndarray


def unit_places(search: ExampleSearch, layers: Sequence[str], photographs: Sequence[int]) -> tuple[dict[str, UnitPlaces], dict[str, Here]]:
    """Measures every unit of the layers, which were searched, at the places of some images; and chooses activations in them to project.

    These are the eight strongest units of each layer, compared with their strongest activations over all images; and the strongest unit of
    each sixteenth of a photograph. A unit belongs to the part that has its strongest place.
    """
    strongest, rows = search.strongest(layers), {number: row for row, number in enumerate(photographs)}
    shares: dict[str, dict[int, np.ndarray]] = {layer: {} for layer in layers}
    best: dict[str, dict[int, tuple[np.ndarray, np.ndarray]]] = {layer: {} for layer in layers}
    shapes = {}
    for images, numbers in search.images.batches("Looking at photographs", set(photographs)):
        for layer, values in zip(layers, search.deconvnet.activations(images, list(layers)), strict=True):
            values = search.images.image_input.pictures(np.asarray(values)) if len(values.shape) == 4 else np.asarray(values)
            shapes[layer] = values.shape[1:-1]
            for number, value in zip(numbers.tolist(), values, strict=True):
                flat = value.reshape(-1, value.shape[-1])
                best[layer][rows[number]] = flat.max(axis=0), flat.argmax(axis=0)
                shares[layer][rows[number]] = _joined(value, strongest[layer])
    order = range(len(photographs))
    places, here = {}, {}
    for layer, shape in shapes.items():
        values, flat = (np.stack([best[layer][row][part] for row in order]) for part in range(2))
        positions = np.stack(np.unravel_index(flat, shape), axis=-1) if shape else np.zeros((*flat.shape, 0), int)
        here[layer] = _chosen(values, positions, shape, np.array(photographs), strongest[layer])
        places[layer] = UnitPlaces(np.stack([shares[layer][row] for row in order]), _joined_field(search.field(layer), shape))
    return places, here


def _shares(values: np.ndarray, strongest: Strongest) -> np.ndarray:
    top = strongest.values[:, 0]
    return np.clip(values / np.where(top > 0, top, np.inf), 0, 1)


def _steps(shape: Sequence[int]) -> list[int]:
    return [-(-length // MOST_PLACES) for length in shape]


def _joined(value: np.ndarray, strongest: Strongest) -> np.ndarray:
    """Shares of one image, uint8 `(rows, columns, units)`; of neighbours that are joined, the largest."""
    found = np.rint(255 * _shares(value, strongest)).astype(np.uint8)
    if found.ndim == 1:
        return found[None, None]
    steps = _steps(found.shape[:2])
    found = np.pad(found, (*((0, -length % step) for length, step in zip(found.shape[:2], steps, strict=True)), (0, 0)))
    rows, columns = (length // step for length, step in zip(found.shape[:2], steps, strict=True))
    return found.reshape(rows, steps[0], columns, steps[1], -1).max(axis=(1, 3))


def _joined_field(field: ReceptiveField | None, shape: Sequence[int]) -> ReceptiveField | None:
    if field is None or not any(field.stride) or not shape:
        return None
    steps = _steps(shape)
    size = tuple(length + (step - 1) * stride for length, step, stride in zip(field.size, steps, field.stride, strict=True))
    return ReceptiveField(size, tuple(step * length for step, length in zip(steps, field.stride, strict=True)), field.offset)


def _chosen(values: np.ndarray, positions: np.ndarray, shape: Sequence[int], photographs: np.ndarray, strongest: Strongest) -> Here:
    """Chooses among the strongest activation of each unit in each photograph, `(photographs, units)`, at their `positions`."""
    shares = _shares(values, strongest)
    parts = (positions * PARTS // np.maximum(shape, 1)) @ (PARTS ** np.arange(len(shape))) if shape else np.zeros(values.shape, int)
    is_chosen = np.zeros(values.shape, bool)
    for row, ordered in enumerate(np.argsort(-shares, axis=1, kind="stable")):
        ordered = ordered[shares[row, ordered] > 0]
        _, first = np.unique(parts[row, ordered], return_index=True)
        is_chosen[row, ordered[:ALL_OVER]] = is_chosen[row, ordered[first]] = True
    # The photographs of a unit come in the order of its activations, as those of a search do.
    found = np.where(is_chosen, values, -np.inf).T.astype(np.float32)
    order = np.argsort(-found, axis=1, kind="stable")
    found = np.take_along_axis(found, order, 1)
    examples = np.where(np.isfinite(found), photographs[order], -1)
    places = np.take_along_axis(positions.transpose(1, 0, 2), order[:, :, None], 1)
    return Here(Strongest(found, examples.astype(np.int64), places.astype(np.int32)), *np.nonzero(examples >= 0))
