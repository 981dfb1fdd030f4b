"""Images beside the projections of their strongest activations, as a grid."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from zfnet.components.pictures.project_images import ProjectedImage
from zfnet.components.pictures.sheet import block, resize_tile, sheet

TILE = 224
FRAME = (255, 0, 0)


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
