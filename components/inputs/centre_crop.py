"""An image file as the central square that preparation would store."""

import io
from typing import NamedTuple

import numpy as np
from etils import epath
from PIL import Image

from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph


class CentreCrop(NamedTuple):
    """The central square of a photograph: uint8 `(side, side, 3)`, RGB. A model takes its central seven eighths.

    `top` and `left` are row and column of its corner in the upright photograph, and `size` is its side there, in pixels.
    """

    pixels: np.ndarray
    top: int
    left: int
    size: int

    def central(self, height: int, width: int) -> np.ndarray:
        """The part that a model with this input size takes: uint8 `(height, width, 3)`."""
        top, left = self.corner(height, width)
        return self.pixels[top : top + height, left : left + width]

    def corner(self, height: int, width: int) -> tuple[int, int]:
        """Row and column of the corner of `central`, in pixels of the square."""
        side = max(height, width)  # Cut to the larger side first, as images of all commands are.
        margin = (len(self.pixels) - side) // 2
        return margin + (side - height) // 2, margin + (side - width) // 2


def read_centre_crop(path: epath.PathLike, side: int) -> CentreCrop:
    """Reads an image by the code of preparation (`prepare_photograph`), so that it looks as it would as an example.

    The file is a JPEG, PNG, GIF, WEBP, BMP, TIFF, PPM or JPEG 2000 of any size. `side` is the larger side of the model's images, in pixels;
    the square is an eighth larger, as images are stored.

    Raises:
        ValueError: the file can't be read, or is no image; the message names it.
    """
    try:
        return to_centre_crop(epath.Path(path).read_bytes(), side)
    except (OSError, UnreadablePhotograph) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"The image {path} can't be read: {reason}.") from error


def to_centre_crop(encoded: bytes, side: int) -> CentreCrop:
    """Cuts the square from the bytes of an image file; errors as in `prepare_photograph`."""
    jpeg, (top, left, bottom, _) = prepare_photograph(encoded, round(side * 8 / 7))
    return CentreCrop(np.asarray(Image.open(io.BytesIO(jpeg))), top, left, bottom - top)


def read_image(path: epath.PathLike, side: int) -> np.ndarray:
    """The part of an image file that a model takes: uint8 `(side, side, 3)`, RGB; see `read_centre_crop`."""
    return read_centre_crop(path, side).central(side, side)
