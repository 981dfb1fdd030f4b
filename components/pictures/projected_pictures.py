"""Projections and the patches of the images that they belong to, ready to be drawn."""

from typing import NamedTuple

import numpy as np

from zfnet.components.pictures.image_input import ImageInput
from zfnet.components.pictures.signed import signed_scale, signed_to_rgb
from zfnet.model.deconvnet.project_strongest import ProjectedStrongest


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
