"""An image file as the central square that is stored of it, and boxes in its pixels."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from etils import epath
from PIL import Image

from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph


class CentreCrop(NamedTuple):
    """The central square of a photograph.

    Attributes:
        pixels: uint8 `(side, side, 3)`, RGB; its central seven eighths are what a model takes.
        top: row of its corner in the photograph, upright, in pixels.
        left: column of its corner there.
        size: side that it has there.
    """

    pixels: np.ndarray
    top: int
    left: int
    size: int

    def central(self, height: int, width: int) -> np.ndarray:
        """What a model of this input sees: uint8 `(height, width, 3)`."""
        top, left = self.corner(height, width)
        return self.pixels[top : top + height, left : left + width]

    def corner(self, height: int, width: int) -> tuple[int, int]:
        """Row and column of its corner in the square, in pixels of the square."""
        side = max(height, width)  # Cut to the larger side first, as images of all commands are.
        margin = (len(self.pixels) - side) // 2
        return margin + (side - height) // 2, margin + (side - width) // 2


def read_centre_crop(path: epath.PathLike, side: int) -> CentreCrop:
    """Reads a photograph by the same rules and code as preparation (`prepare_photograph`), so that it looks as it does as an example.

    Args:
        path: a JPEG, PNG, GIF, WEBP, BMP, TIFF, PPM or JPEG 2000 file of any size.
        side: larger side of the model's images, in pixels; the square is an eighth larger, as photographs are stored.

    Returns:
        The square.

    Raises:
        ValueError: the file can't be read, or is no photograph; the message names it.
    """
    try:
        return to_centre_crop(epath.Path(path).read_bytes(), side)
    except (OSError, UnreadablePhotograph) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"The image {path} can't be read: {reason}.") from error


def to_centre_crop(encoded: bytes, side: int) -> CentreCrop:
    """As `read_centre_crop`, from the file's bytes.

    Raises:
        UnreadablePhotograph: they are no photograph.
    """
    jpeg, (top, left, bottom, _) = prepare_photograph(encoded, round(side * 8 / 7))
    return CentreCrop(np.asarray(Image.open(io.BytesIO(jpeg))), top, left, bottom - top)


def read_image(path: epath.PathLike, side: int) -> np.ndarray:
    """Reads a photograph: its central square, scaled so that the central seven eighths of it have the side that is wanted.

    By the same rules and code as preparation (`prepare_photograph`), so that a file looks the same here and as an example.

    Args:
        path: a JPEG, PNG, GIF, WEBP, BMP, TIFF, PPM or JPEG 2000 file of any size.
        side: side of the result, in pixels.

    Returns:
        uint8 array `(side, side, 3)`, RGB.

    Raises:
        ValueError: the file can't be read, or is no photograph; the message names it.
    """
    return read_centre_crop(path, side).central(side, side)
