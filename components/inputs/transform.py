"""Translation, scaling and rotation of images, and the crop that a model takes."""

from typing import NamedTuple

import numpy as np
from skimage.transform import AffineTransform, warp

# Zeiler & Fergus 2013, Fig. 5: the largest shift, as a share of an input of 224 pixels, and the largest scale.
LARGEST_SHIFT = 60 / 224
LARGEST_SCALE = 1.8
# Reading: the paper's curves have no marks; with these numbers of points they are smooth.
SHIFTS, SCALES, ANGLES = 41, 17, 36
CUBIC = 3


class Transformation(NamedTuple):
    """Whole pixels downwards; magnification about the centre, at least 1; degrees counterclockwise about the centre."""

    shift: int = 0
    scale: float = 1.0
    angle: float = 0.0


class Family(NamedTuple):
    """Transformations of one kind: `values`, `(steps,)`, rising, are those of the field `field` of `Transformation`, in `unit`."""

    name: str
    unit: str
    values: np.ndarray
    field: str

    def transformations(self) -> list[Transformation]:
        """One for each value."""
        return [Transformation(**{self.field: value}) for value in self.values.tolist()]


def paper_families(height: int) -> list[Family]:
    """Translation, scale and rotation, as in Zeiler & Fergus 2013, Fig. 5.

    Reading: "vertical translation" is positive downwards, rotation counterclockwise; the paper does not say. Shifts are in proportion to
    `height`, that of the model's images, -60 to 60 pixels of 224, and whole pixels, so that nothing is interpolated.
    """
    largest = max(1, round(LARGEST_SHIFT * height))
    shifts = np.unique(np.rint(np.linspace(-largest, largest, SHIFTS)).astype(int))
    return [
        Family("translation", "pixels downwards", shifts, "shift"),
        Family("scale", "times as large", np.linspace(1, LARGEST_SCALE, SCALES).round(4), "scale"),
        Family("rotation", "degrees counterclockwise", np.arange(ANGLES) * (360 / ANGLES), "angle"),
    ]


def transform(images: np.ndarray, corner: tuple[int, int], size: tuple[int, int], transformation: Transformation) -> np.ndarray:
    """Transforms images `(N, H, W, 3)`, values 0..255, about the centre of a window, and cuts that window: float32 `(N, height, width, 3)`.

    Borders of the window are filled from the surrounding image, which is stored an eighth larger than a net's input, then by repeating its
    edge pixels: black would be an edge, to which the first layer responds strongly. Translation moves the window and interpolates nothing;
    anything else is one bicubic interpolation. Images are never shrunk, so that nothing can alias.

    `corner` is row and column of the window's corner, in pixels, and `size` is height and width of the window. The default transformation
    gives the window, bit for bit.

    Raises:
        ValueError: the scale is below 1, or the shift is no whole number.

    Examples:
        >>> transform(np.zeros((5, 112, 112, 3)), (8, 8), (96, 96), Transformation(angle=90)).shape
        (5, 96, 96, 3)
    """
    shift, scale, angle = transformation
    if not scale >= 1 or shift != int(shift):
        raise ValueError(f"The shift is {shift} and the scale {scale}; expected whole pixels, and a scale of at least 1.")
    if scale == 1 and angle % 360 == 0:
        rows, columns = (np.arange(length) + start for length, start in zip(size, corner, strict=True))
        rows = np.clip(rows - int(shift), 0, images.shape[1] - 1)
        return images[:, rows][:, :, columns].astype(np.float32)
    # Maps a pixel of the window to the place in the image that it shows; in (column, row), whose rows point downwards.
    centre = (np.array(size) - 1) / 2
    cosine, sine = _exact(np.cos(np.radians(angle))) / scale, _exact(np.sin(np.radians(angle))) / scale
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[:2, 2] = (centre + corner)[::-1] - turn @ (centre + np.array([shift, 0]))[::-1]
    options = {"order": CUBIC, "mode": "edge", "output_shape": tuple(size), "preserve_range": True}
    return np.stack([warp(image.astype(np.float32), AffineTransform(matrix), **options) for image in images]).astype(np.float32)


def _exact(value: float) -> float:
    # A quarter turn moves whole pixels.
    return float(np.round(value)) if abs(value - np.round(value)) < 1e-12 else float(value)
