"""What some feature maps of a net look for at one moment of its training: a column of the evolution of features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.project_images import projected_pictures
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest, project_strongest, strongest_activations

# Zeiler & Fergus 2013, Fig. 4.
PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)
# A tenth of the training examples is searched, but no fewer and no more than these: a forward pass is a third of a step, so a search costs
# about 3 % of an epoch's steps. Shards are random mixtures, so the first examples are as good as any.
FEWEST_SEARCHED, MOST_SEARCHED = 600, 50_000
# Gives the images to search: all of them, or those with some numbers.
Batches = Callable[[set[int] | None], Iterable]


class EvolutionColumn(NamedTuple):
    """The strongest activation of each of some maps (or dense units) of one layer, and its projection.

    Attributes:
        maps: int64 `(M,)`, their numbers in the layer.
        activations: float32 `(M,)`.
        examples: int64 `(M,)`, numbers of the images.
        positions: int32 `(M, 2)`, row and column in the map; `(M, 0)` of dense units.
        corners: int64 `(M, 2)`, row and column of the window's corner in the image.
        scales: float `(M,)`, the absolute value that is black or white in the projection.
        projections: uint8 `(M, h, w, 3)`, 0 is grey.
        patches: uint8 `(M, h, w, 3)`, the same windows of the images.
        strongest: int64 `(units,)`, numbers of the images that all maps of the layer answer to most.
    """

    maps: np.ndarray
    activations: np.ndarray
    examples: np.ndarray
    positions: np.ndarray
    corners: np.ndarray
    scales: np.ndarray
    projections: np.ndarray
    patches: np.ndarray
    strongest: np.ndarray

    def of(self, maps: ArrayLike) -> EvolutionColumn:
        """The column of some of its maps, by their numbers, in this order."""
        rows = [self.maps.tolist().index(number) for number in np.asarray(maps).tolist()]
        return self._replace(**{name: getattr(self, name)[rows] for name in self._fields if name != "strongest"})


# By the title of the moment, in order, and by layer.
Columns = Mapping[str, Mapping[str, EvolutionColumn]]


class SamePlaces(NamedTuple):
    """What some maps of one layer answer at places that another moment chose.

    Attributes:
        activations: float32 `(M,)`, 0 where a map does not answer.
        scales: float `(M,)`, the absolute value that is black or white in the projection.
        projections: uint8 `(M, h, w, 3)`, 0 is grey.
    """

    activations: np.ndarray
    scales: np.ndarray
    projections: np.ndarray


def evolution_column(
    deconvnet: Deconvnet, batches: Batches, maps: Mapping[str, ArrayLike], image_input: ImageInput, mean: np.ndarray | None = None
) -> dict[str, EvolutionColumn]:
    """Finds the strongest activation of some maps over images, and projects it to pixels.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4: "the strongest activation (across all training examples) within a given feature map
    projected back to pixel space".

    Args:
        deconvnet: of the net as it is at that moment.
        batches: called with None for all images, then with the numbers of those that are projected; gives what
            `strongest_activations` takes.
        maps: for each layer the maps, `(M,)` ints.
        image_input: of the net.
        mean: what was subtracted from the images and is to be seen in patches again, `(height, width, 3)`; None for nothing.

    Returns:
        For each layer its column, in the order of `maps`.

    Raises:
        ValueError: activations or projections are not numbers.
    """
    numbers = {layer: np.asarray(units) for layer, units in maps.items()}
    strongest = strongest_activations(deconvnet, batches(None), list(numbers), k=1)
    for layer, units in numbers.items():
        if (strongest[layer].examples[units, 0] < 0).any():
            raise ValueError(f"Activations of layer {layer!r} are not all numbers (NaN), or there is no image to search.")
    chosen = {layer: (units, np.zeros_like(units)) for layer, units in numbers.items()}
    wanted = {int(number) for layer, units in numbers.items() for number in strongest[layer].examples[units, 0]}
    drawn: dict[str, dict[int, tuple]] = {layer: {} for layer in numbers}
    for part in project_strongest(deconvnet, batches(wanted), strongest, chosen):
        if mean is not None:
            height, width = part.patches.shape[1:3]
            under = np.stack([mean[top : top + height, left : left + width] for top, left in part.corners])
            part = part._replace(patches=part.patches + under)
        pictures = projected_pictures(part, image_input)
        found = zip(part.corners, pictures.scales, pictures.projections, pictures.patches, strict=True)
        drawn[part.layer].update(zip(part.units.tolist(), found, strict=True))
    columns = {}
    for layer, units in numbers.items():
        found, first = strongest[layer].of(units), strongest[layer].examples[:, 0]
        corners, scales, projections, patches = (
            np.stack(parts) for parts in zip(*(drawn[layer][unit] for unit in units.tolist()), strict=True)
        )
        places = found.values[:, 0], found.examples[:, 0], found.positions[:, 0]
        columns[layer] = EvolutionColumn(units, *places, corners, scales, projections, patches, first)
    return columns


def same_places(
    deconvnet: Deconvnet, batches: Batches, columns: Mapping[str, EvolutionColumn], image_input: ImageInput
) -> dict[str, SamePlaces]:
    """Projects what maps answer at the places of other columns: the same map of the same images, at another moment.

    The paper's figure takes the strongest activation of each moment, so that the image may change as well as the map.

    Args:
        deconvnet: of the net as it is at this moment.
        batches: as in `evolution_column`; called with the numbers of the images.
        columns: by layer, the maps, images and positions, as a rule those of the last moment.
        image_input: of the net.

    Returns:
        For each layer its answers, in the order of the column's maps.

    Raises:
        ValueError: projections are not numbers.
    """
    wanted = {int(number) for column in columns.values() for number in column.examples}
    answers = {layer: np.zeros(len(column.maps), np.float32) for layer, column in columns.items()}
    for images, numbers in batches(wanted):
        activations = deconvnet.activations(images, list(columns))
        for (layer, column), values in zip(columns.items(), activations, strict=True):
            values = image_input.pictures(np.asarray(values)) if values.ndim == 4 else np.asarray(values)
            for row in np.flatnonzero(np.isin(column.examples, numbers)):
                image = int(np.flatnonzero(numbers == column.examples[row])[0])
                answers[layer][row] = values[(image, *column.positions[row], column.maps[row])]
    places, chosen = {}, {}
    for layer, column in columns.items():
        none = Strongest.none(deconvnet.graph.unit_count(layer), 1, column.positions.shape[1])
        found = answers[layer], column.examples, column.positions
        places[layer] = none.replaced(column.maps, Strongest(*(part[:, None] for part in found)))
        chosen[layer] = column.maps, np.zeros_like(column.maps)
    drawn: dict[str, dict[int, tuple]] = {layer: {} for layer in columns}
    for part in project_strongest(deconvnet, batches(wanted), places, chosen):
        pictures = projected_pictures(part, image_input)
        drawn[part.layer].update(zip(part.units.tolist(), zip(pictures.scales, pictures.projections, strict=True), strict=True))
    same = {}
    for layer, column in columns.items():
        scales, projections = (np.stack(parts) for parts in zip(*(drawn[layer][unit] for unit in column.maps.tolist()), strict=True))
        same[layer] = SamePlaces(answers[layer], scales, projections)
    return same


def different_maps(column: EvolutionColumn, photographs: Sequence[str], count: int) -> np.ndarray:
    """Chooses maps of a column that a reader can tell apart.

    One after the other: a map that answers to something rather than a dead one, then one of a photograph that is chosen least so far,
    then one whose projection correlates the least with those that are chosen; of equals, the first.

    Args:
        column: of the last moment.
        photographs: which photograph each example was cut from.
        count: how many maps to choose.

    Returns:
        Their numbers, in order; all if there are no more than `count`.
    """
    projections = column.projections.reshape(len(column.maps), -1).astype(np.float32) - 128
    projections /= np.maximum(np.linalg.norm(projections, axis=1, keepdims=True), 1e-6)
    alike = projections @ projections.T
    dead, origins = column.activations <= 0, [photographs[number] for number in column.examples]
    chosen: list[int] = []
    while len(chosen) < min(count, len(column.maps)):

        def order(row: int) -> tuple[bool, int, float]:
            repeated = sum(origins[row] == origins[other] for other in chosen)
            return bool(dead[row]), repeated, max((float(alike[row, other]) for other in chosen), default=0.0)

        chosen.append(min((row for row in range(len(column.maps)) if row not in chosen), key=order))
    return np.sort(column.maps[chosen])


def chosen_maps(units: int, count: int, seed: int) -> np.ndarray:
    """A random subset of a layer's feature maps, in order: the same for the same seed."""
    return np.sort(np.random.default_rng(seed).permutation(units)[:count])


def evolution_epochs(epochs: int) -> set[int]:
    """Epochs that the figure shows: the paper's and the last, or every one of a run shorter than ten; counted from 1."""
    return set(range(1, epochs + 1)) if epochs < 10 else {epoch for epoch in PAPER_EPOCHS if epoch < epochs} | {epochs}


def watched_epochs(epochs: int) -> set[int]:
    """Epochs at which to look, for TensorBoard's slider: before the first, after each of the first ten, and the paper's."""
    return set(range(min(epochs, 10) + 1)) | evolution_epochs(epochs)


def searched(examples: int) -> int:
    """Number of examples, from the first of a split, that are searched at one moment.

    Args:
        examples: how many the split has.

    Examples:
        >>> searched(250), searched(9469), searched(1_281_167)
        (600, 946, 50000)
    """
    return min(max(examples // 10, FEWEST_SEARCHED), MOST_SEARCHED)


def epoch_title(epoch: int) -> str:
    """Title of a moment in the figure, given the number of epochs trained."""
    return f"epoch {epoch}" if epoch else "untrained"
