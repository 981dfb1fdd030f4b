"""What makes a layer answer to single images: the strongest activation of each, projected."""

from typing import NamedTuple

import numpy as np

from zfnet.components.pictures.image_input import ImageInput
from zfnet.components.pictures.projected_pictures import projected_pictures
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.project_strongest import project_strongest
from zfnet.model.deconvnet.strongest_activations import strongest_activations


class ProjectedImage(NamedTuple):
    """The strongest activation of one image, projected.

    Attributes:
        unit: feature map or dense unit.
        position: row and column in the map; empty for a dense unit.
        activation: how strong it is.
        corner: row and column of the window's corner in the image.
        projection: uint8 `(h, w, 3)`, of a window of the size that the unit sees, at most the whole image; 0 is grey.
        patch: uint8 `(h, w, 3)`, the same window of the image.
    """

    unit: int
    position: tuple[int, ...]
    activation: float
    corner: tuple[int, int]
    projection: np.ndarray
    patch: np.ndarray


def project_images(deconvnet: Deconvnet, images: np.ndarray, layer: str, unit: int | None = None) -> list[ProjectedImage]:
    """Projects the strongest activation of each image in a layer.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        images: `(N, height, width, 3)`, RGB 0..255, of the size that the model takes; all of them go through the net together.
        layer: name of a layer.
        unit: which of its units; `None` takes, for each image, the one whose activation is strongest in it.

    Returns:
        One projection for each image.

    Raises:
        ValueError: there is no such layer or unit, or activations or projections are not numbers.
    """
    height, width = images.shape[1:3]
    image_input = ImageInput(height, width, deconvnet.graph.channels_first)
    batches = [image_input.laid_out(images.astype(np.float32))]
    strongest = strongest_activations(deconvnet, batches, [layer], k=len(images))
    found = strongest[layer]
    if unit is not None and not 0 <= unit < len(found.values):
        raise ValueError(f"There is no unit {unit} in layer {layer!r}; it has units 0 to {len(found.values) - 1}.")
    # Each unit's strongest activations are ordered by strength; here they are wanted by image.
    ranks = np.argsort(found.examples, axis=1)
    activations = np.take_along_axis(found.values, ranks, axis=1)
    # A maximum over nothing but NaN is the lowest number, or none.
    if np.any(activations <= np.finfo(np.float32).min):
        raise ValueError(
            f"Layer {layer!r} has activations that are not numbers (NaN): are the model's weights, or the preprocessing, right?"
        )
    units = activations.argmax(axis=0) if unit is None else np.full(len(images), unit)
    chosen = {layer: (units, ranks[units, np.arange(len(images))])}
    projected: dict[int, ProjectedImage] = {}
    for part in project_strongest(deconvnet, batches, strongest, chosen):
        pictures = projected_pictures(part, image_input)
        for row, place in enumerate(zip(part.units, part.ranks, strict=True)):
            projected[int(found.examples[place])] = ProjectedImage(
                unit=int(place[0]),
                position=tuple(found.positions[place].tolist()),
                activation=float(found.values[place]),
                corner=tuple(part.corners[row].tolist()),
                projection=pictures.projections[row],
                patch=pictures.patches[row],
            )
    return [projected[number] for number in range(len(images))]
