"""A photograph from a file, prepared as the examples that nets are trained and tested on."""

import numpy as np
from etils import epath

from zfnet.components.pictures.read_square import read_square


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
    return read_square(path, side).central(side, side)
