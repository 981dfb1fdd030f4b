"""Correlation of two images of one picture, after a small search for the place of one in the other."""

import numpy as np
from PIL import Image
from scipy import ndimage

from zfnet.components.data.copies.perceptual_hash import SIDE, View

SHIFT = 3  # pixels of the grey copies; a part is looked for so far around its place, and in sides that differ by so much
SMALLEST = 40  # side of a part, in pixels
PROMISING = 0.4  # correlation at the expected side, below which no other side is tried
LEAST_DETAIL = 3.0  # standard deviation, in grey levels; in smoother images, the traces of compression correlate


def has_detail(greys: np.ndarray) -> np.ndarray:
    """Tells which images, grey levels as uint8 `(n, 64, 64)`, have enough fine detail for a comparison: bool `(n,)`.

    Examples:
        >>> sky = np.tile(np.linspace(150, 220, 64).astype(np.uint8), (64, 1))
        >>> has_detail(np.stack([sky, np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)])).tolist()
        [False, True]
    """
    return _detail(greys).std(axis=(1, 2)) >= LEAST_DETAIL


def correlation(part: np.ndarray, whole: np.ndarray, view: View) -> float:
    """Correlates an image with the part of another that it may show; only fine detail counts.

    Brightness and coarse shapes are alike in many photographs of one kind, so that both images are band-passed first: the mean of 3 x 3
    pixels less that of 9 x 9.

    Args:
        part: grey levels, uint8 `(64, 64)`.
        whole: grey levels, uint8 `(64, 64)`.
        view: the place in `whole` that `part` may show.

    Returns:
        The largest correlation, -1..1, over places and sides near to `view`.

    Examples:
        >>> picture = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
        >>> round(correlation(picture, picture, View(0, 0, 1)), 3), correlation(picture, picture.T, View(0, 0, 1)) < 0.2
        (1.0, True)
    """
    detail, expected = _detail(whole), round(view.side * SIDE)
    best = _best(part, detail, view, min(max(expected, SMALLEST), SIDE))
    if best < PROMISING:
        return best
    sides = {min(max(expected + change, SMALLEST), SIDE) for change in range(-SHIFT, SHIFT + 1)}
    return max(_best(part, detail, view, side) for side in sorted(sides))


def _best(part: np.ndarray, detail: np.ndarray, view: View, side: int) -> float:
    """The largest correlation of `part`, scaled to `side` pixels, with places of `detail` near to `view`."""
    scaled = _detail(np.asarray(Image.fromarray(part).resize((side, side), Image.Resampling.BICUBIC)))
    scaled = scaled - scaled.mean()
    scaled /= np.linalg.norm(scaled) + 1e-6
    (top, bottom), (left, right) = (
        (max(0, min(round(start * SIDE), SIDE - side) - SHIFT), min(SIDE - side, round(start * SIDE) + SHIFT))
        for start in (view.top, view.left)
    )
    searched = detail[top : bottom + side, left : right + side]
    products = np.einsum("yxij,ij->yx", np.lib.stride_tricks.sliding_window_view(searched, (side, side)), scaled)
    variances = _sums(searched * searched, side) - np.square(_sums(searched, side) / side)
    return float((products / (np.sqrt(np.maximum(variances, 0)) + 1e-3)).max())


def _sums(values: np.ndarray, side: int) -> np.ndarray:
    """Sums over all windows of `side` pixels, from the sums over all rectangles at the upper left corner."""
    corner = np.pad(values.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    return corner[side:, side:] - corner[:-side, side:] - corner[side:, :-side] + corner[:-side, :-side]


def _detail(pixels: np.ndarray) -> np.ndarray:
    """The band-passed image or images, float32 `(..., 64, 64)`."""
    pixels = pixels.astype(np.float32)
    return ndimage.uniform_filter(pixels, 3, axes=(-2, -1)) - ndimage.uniform_filter(pixels, 9, axes=(-2, -1))
