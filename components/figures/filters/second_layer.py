"""What the second convolution of a model looks for: the strongest activation of some of its maps, projected."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.project_images import projected_pictures
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.rules.rule import Gradient
from zfnet.model.deconvnet.strongest import project_strongest, strongest_activations

# Yields batches of images and their numbers, of all or of some examples; shows the title while it does.
Batches = Callable[..., Iterable[tuple[np.ndarray, np.ndarray]]]


class SecondLayer(NamedTuple):
    """Some maps of a second convolution.

    Attributes:
        name: of the layer.
        maps: `(M,)` ints, their numbers.
        total: number of all maps of the layer.
        activations: `(M,)`, the strongest activation of each.
        examples: `(M,)` ints, in which example.
        positions: `(M, 2)` ints, where in the map.
        corners: `(M, 2)` ints, the corner of the window that is seen, in the image.
        scales: `(M,)`, the absolute value that is black or white.
        pictures: uint8 `(M, h, w, 3)`, the projections of those windows; 0 is grey.
    """

    name: str
    maps: np.ndarray
    total: int
    activations: np.ndarray
    examples: np.ndarray
    positions: np.ndarray
    corners: np.ndarray
    scales: np.ndarray
    pictures: np.ndarray


def no_projection(deconvnet: Deconvnet, layer: str) -> str | None:
    """Why a layer can't be projected from, or None if it can: a deconvnet is not defined for all that lies below it."""
    for operation in deconvnet.graph.needed_for(deconvnet.graph.value_of(layer)):
        if isinstance(operation.rule, Gradient):
            kind = type(operation.layer).__name__
            return f"no deconvnet is defined for layer {operation.layer.name!r} ({kind})"
    return None


def second_layer(
    deconvnet: Deconvnet, layer: str, batches: Batches, image_input: ImageInput, *, maps: int, seed: int
) -> SecondLayer | None:
    """Projects the strongest activation of a random subset of a layer's living maps.

    Zeiler & Fergus 2013, Fig. 6(d) and (e).

    Args:
        deconvnet: of the model.
        layer: with the maps, after their ReLU.
        batches: of the examples.
        image_input: of the model.
        maps: how many to draw at most.
        seed: decides which.

    Returns:
        The maps, in order; None if all are dead.

    Raises:
        ValueError: projections are not numbers.
    """
    strongest = strongest_activations(deconvnet, batches("Searching layer 2"), [layer], k=1)
    found = strongest[layer]
    order = np.random.default_rng(seed).permutation(len(found.values))
    units = np.sort(order[found.values[order, 0] > 0][:maps])
    if not units.size:
        return None
    chosen = {layer: (units, np.zeros_like(units))}
    examples = found.examples[units, 0]
    pictures: dict[int, np.ndarray] = {}
    corners, scales = np.zeros((len(units), 2), int), np.zeros(len(units))
    for part in project_strongest(deconvnet, batches("Projecting layer 2", set(examples.tolist())), strongest, chosen):
        drawn = projected_pictures(part, image_input)
        for row, place in enumerate(np.searchsorted(units, part.units).tolist()):
            pictures[place], corners[place], scales[place] = drawn.projections[row], part.corners[row], drawn.scales[row]
    drawn_maps = np.stack([pictures[place] for place in range(len(units))])
    activations, positions = found.values[units, 0], found.positions[units, 0]
    return SecondLayer(layer, units, len(found.values), activations, examples, positions, corners, scales, drawn_maps)
