"""Features of some feature maps at one moment of the training: a column of the evolution of features."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.projected_activation import ProjectedActivation, projected_activations
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest, project_strongest
from zfnet.model.deconvnet.strongest import Strongest, strongest_activations

# Zeiler & Fergus 2013, Fig. 4.
PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)
# A tenth of the training examples is searched, within these limits: a forward pass is a third of a step, so a search costs about 3 % of an
# epoch's steps. Shards are random mixtures, so the first examples are as good as any.
FEWEST_SEARCHED, MOST_SEARCHED = 600, 50_000
# Gives the images to search: all, or those with some numbers.
Batches = Callable[[set[int] | None], Iterable]
# Turns the patches of a part from the values that the model takes into RGB 0..255.
ToRgb = Callable[[ProjectedStrongest], ProjectedStrongest]


class EvolutionColumn(NamedTuple):
    """The strongest activation of each of some maps (or dense units) of one layer, and its projection.

    Attributes:
        maps, examples: int64 `(M,)`, numbers of the maps in the layer, and of the images.
        activations: float32 `(M,)`.
        positions: int32 `(M, 2)`, row and column in the map; `(M, 0)` of dense units.
        corners: int64 `(M, 2)`, row and column of the window's corner in the image.
        scales: float32 `(M,)`, the absolute value that is black or white in the projection.
        projections, patches: uint8 `(M, h, w, 3)`, of the same windows; 0 is grey in a projection.
        strongest: int64 `(units,)`, for each map of the layer, the number of the image with its strongest activation.
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

    def of(self, maps: ArrayLike) -> Self:
        """The column of some of its maps, by their numbers, in this order."""
        rows = [self.maps.tolist().index(number) for number in np.asarray(maps).tolist()]
        return self._replace(**{name: getattr(self, name)[rows] for name in self._fields if name != "strongest"})


# By the title of the moment, in order, and by layer.
Columns = Mapping[str, Mapping[str, EvolutionColumn]]


class SamePlaces(NamedTuple):
    """Activations of some maps of one layer at the positions of another moment, 0 if not active; scales and projections as above."""

    activations: np.ndarray
    scales: np.ndarray
    projections: np.ndarray


def evolution_column(
    deconvnet: Deconvnet,
    batches: Batches,
    maps: Mapping[str, ArrayLike],
    image_input: ImageInput,
    to_rgb: ToRgb | None = None,
    strongest: Mapping[str, Strongest] | None = None,
) -> dict[str, EvolutionColumn]:
    """Finds the strongest activation of some maps over images, and projects it to pixels: the column of each layer.

    Zeiler & Fergus 2013, section 4.1 and Fig. 4: "the strongest activation (across all training examples) within a given feature map
    projected back to pixel space".

    Args:
        batches: called with None for all images, then with the numbers of those that are projected; gives what
            `strongest_activations` takes.
        maps: for each layer the maps, `(M,)` ints, in the order of the column.
        to_rgb: changes patches into RGB 0..255; None if the images are.
        strongest: the strongest activation of each map of these layers over all images, if they were searched before.

    Raises:
        ValueError: activations or projections are not numbers.
    """
    numbers = {layer: np.asarray(units) for layer, units in maps.items()}
    strongest = strongest_activations(deconvnet, batches(None), list(numbers), k=1) if strongest is None else strongest
    for layer, units in numbers.items():
        if (strongest[layer].examples[units, 0] < 0).any():
            raise ValueError(f"Activations of layer {layer!r} are not all numbers (NaN).")
    drawn = _project(deconvnet, batches, strongest, numbers, image_input, to_rgb)
    columns = {}
    for layer, units in numbers.items():
        found, first = strongest[layer].of(units), strongest[layer].examples[:, 0]
        places = found.values[:, 0], found.examples[:, 0], found.positions[:, 0]
        corners, scales, projections, patches = _stacked(drawn[layer], units, "corner", "scale", "projection", "patch")
        columns[layer] = EvolutionColumn(units, *places, corners, scales.astype(np.float32), projections, patches, first)
    return columns


def _project(
    deconvnet: Deconvnet,
    batches: Batches,
    strongest: Mapping[str, Strongest],
    maps: Mapping[str, np.ndarray],
    image_input: ImageInput,
    to_rgb: ToRgb | None = None,
) -> dict[str, dict[int, ProjectedActivation]]:
    """The strongest activation of some maps of each layer, projected, by layer and map."""
    wanted = {int(number) for layer, units in maps.items() for number in strongest[layer].examples[units, 0]}
    chosen = {layer: (units, np.zeros_like(units)) for layer, units in maps.items()}
    parts = project_strongest(deconvnet, batches(wanted), {layer: strongest[layer] for layer in maps}, chosen)
    parts = map(to_rgb, parts) if to_rgb else parts
    drawn: dict[str, dict[int, ProjectedActivation]] = {layer: {} for layer in maps}
    for each in projected_activations(parts, strongest, image_input):
        drawn[each.layer][each.unit] = each
    return drawn


def _stacked(drawn: Mapping[int, ProjectedActivation], units: np.ndarray, *names: str) -> list[np.ndarray]:
    """These attributes of the activations, an array for each, in the order of the units."""
    return [np.stack([np.asarray(getattr(drawn[unit], name)) for unit in units.tolist()]) for name in names]


def same_places(
    deconvnet: Deconvnet, batches: Batches, columns: Mapping[str, EvolutionColumn], image_input: ImageInput
) -> dict[str, SamePlaces]:
    """Projects the activations at the positions of other columns: the same map of the same images, at another moment.

    The paper's figure takes the strongest activation of each moment, so that the image may change as well as the map. `columns` has the
    maps, images and positions by layer, usually of the last moment; `batches` is called with the numbers of these images.

    Raises:
        ValueError: projections are not numbers.
    """
    wanted = {int(number) for column in columns.values() for number in column.examples}
    values_at = {layer: np.zeros(len(column.maps), np.float32) for layer, column in columns.items()}
    for images, numbers in batches(wanted):
        activations = deconvnet.activations(images, list(columns))
        for (layer, column), values in zip(columns.items(), activations, strict=True):
            values = image_input.pictures(np.asarray(values)) if values.ndim == 4 else np.asarray(values)
            for row in np.flatnonzero(np.isin(column.examples, numbers)):
                image = int(np.flatnonzero(numbers == column.examples[row])[0])
                values_at[layer][row] = values[(image, *column.positions[row], column.maps[row])]
    places = {}
    for layer, column in columns.items():
        none = Strongest.none(deconvnet.graph.unit_count(layer), 1, column.positions.shape[1])
        found = values_at[layer], column.examples, column.positions
        places[layer] = none.replaced(column.maps, Strongest(*(part[:, None] for part in found)))
    drawn = _project(deconvnet, batches, places, {layer: column.maps for layer, column in columns.items()}, image_input)
    same = {}
    for layer, column in columns.items():
        scales, projections = _stacked(drawn[layer], column.maps, "scale", "projection")
        same[layer] = SamePlaces(values_at[layer], scales.astype(np.float32), projections)
    return same


def chosen_maps(units: int, count: int, seed: int) -> np.ndarray:
    """A random subset of a layer's feature maps, in order: the same for the same seed."""
    return np.sort(np.random.default_rng(seed).permutation(units)[:count])


def evolution_epochs(epochs: int) -> set[int]:
    """Epochs that the figure shows, counted from 1: the paper's and the last; every epoch of a run shorter than ten."""
    return set(range(1, epochs + 1)) if epochs < 10 else {epoch for epoch in PAPER_EPOCHS if epoch < epochs} | {epochs}


def watched_epochs(epochs: int) -> set[int]:
    """Epochs that are projected, for TensorBoard's slider: 0 (untrained), each of the first ten, and the paper's."""
    return set(range(min(epochs, 10) + 1)) | evolution_epochs(epochs)


def searched(examples: int) -> int:
    """Number of examples, from the first of a split with so many, that are searched at one moment.

    Examples:
        >>> searched(250), searched(9469), searched(1_281_167)
        (600, 946, 50000)
    """
    return min(max(examples // 10, FEWEST_SEARCHED), MOST_SEARCHED)


def epoch_title(epoch: int) -> str:
    """Title of the moment after so many epochs."""
    return f"epoch {epoch}" if epoch else "untrained"
