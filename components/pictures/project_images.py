"""Single images projected from their strongest activation in a layer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.sheet import block, resize_tile, sheet
from zfnet.components.pictures.signed import signed_scale, signed_to_rgb
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import ProjectedStrongest, project_strongest, strongest_activations

TILE = 224
FRAME = (255, 0, 0)


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
    batches = [image_input.to_model_layout(images.astype(np.float32))]
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


class ProjectedPictures(NamedTuple):
    """Some projections as pictures.

    Attributes:
        projections: uint8 `(M, h, w, 3)`, 0 is grey.
        patches: uint8 `(M, h, w, 3)`, the same windows of the images.
        scales: `(M,)`, the absolute value that is black or white in each projection.
    """

    projections: np.ndarray
    patches: np.ndarray
    scales: np.ndarray


def projected_pictures(part: ProjectedStrongest, image_input: ImageInput) -> ProjectedPictures:
    """Makes pictures of projections of one layer.

    Args:
        part: the projections; their patches are RGB 0..255.
        image_input: of the model.

    Returns:
        The pictures, in the same order.

    Raises:
        ValueError: projections are not numbers.
    """
    if not np.isfinite(part.projections).all():
        raise ValueError(f"Projections of layer {part.layer!r} are not all numbers (NaN); neither can the model's weights be.")
    projections, patches = image_input.pictures(part.projections), image_input.pictures(part.patches)
    scales = signed_scale(projections)
    return ProjectedPictures(signed_to_rgb(projections, scales), np.clip(np.rint(patches), 0, 255).astype(np.uint8), scales)


def projection_grid(images: np.ndarray, projected: Sequence[ProjectedImage], headings: Sequence[str]) -> np.ndarray:
    """Draws each image beside its projection.

    Where the unit sees a part of the image, that window is framed in the image, and the patch and the projection of the window stand
    beside it, enlarged; where it sees all of it, the projection alone.

    Args:
        images: uint8 `(N, height, width, 3)`.
        projected: of each image.
        headings: a line of text for each.

    Returns:
        uint8 array: the grid.
    """
    size = images.shape[1:3]
    blocks = []
    for image, found in zip(images, projected, strict=True):
        if found.patch.shape[:2] == size and found.corner == (0, 0):
            blocks.append(block([image, found.projection], 2, TILE))
        else:
            blocks.append(block([_framed(image, found), found.patch, found.projection], 3, TILE))
    return sheet(blocks, headings, math.ceil(math.sqrt(len(blocks) / 3)))


def _framed(image: np.ndarray, found: ProjectedImage) -> np.ndarray:
    picture = Image.fromarray(resize_tile(image, TILE))
    scale = TILE / max(image.shape[:2])
    margins = [(TILE - round(length * scale)) // 2 for length in image.shape[:2]]
    starts = [margin + corner * scale for margin, corner in zip(margins, found.corner, strict=True)]
    # A window may be less than a pixel of the tile.
    ends = [start + max(0, length * scale - 1) for start, length in zip(starts, found.patch.shape[:2], strict=True)]
    ImageDraw.Draw(picture).rectangle([starts[1], starts[0], ends[1], ends[0]], outline=FRAME, width=2)
    return np.asarray(picture)
