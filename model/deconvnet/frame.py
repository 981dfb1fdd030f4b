"""Windows of images: cut out and put back, padded where they leave the image and never shifted."""

import numpy as np


def cut_window(image: np.ndarray, corner: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cuts a window out of an image, with zeros where it leaves the image.

    Args:
        image: array `(H, W, C)`.
        corner: row and column of the window's top left corner, possibly negative.
        size: `(height, width)` of the window.

    Returns:
        Array `(*size, C)`.
    """
    window = np.zeros((*size, image.shape[-1]), image.dtype)
    in_window, in_image = _overlap(corner, size, image.shape)
    window[in_window] = image[in_image]
    return window


def paste_window(image: np.ndarray, window: np.ndarray, corner: np.ndarray) -> None:
    """Writes what of a window lies in an image to it.

    Args:
        image: array `(H, W, C)`, written to.
        window: array `(h, w, C)`.
        corner: row and column of the window's top left corner, possibly negative.
    """
    in_window, in_image = _overlap(corner, window.shape, image.shape)
    image[in_image] = window[in_window]


def _overlap(corner, size, shape):
    first = [max(0, int(low)) for low in corner]
    last = [max(start, min(limit, int(low) + length)) for start, low, length, limit in zip(first, corner, size, shape, strict=False)]
    in_image = tuple(slice(start, stop) for start, stop in zip(first, last, strict=True))
    in_window = tuple(slice(part.start - int(low), part.stop - int(low)) for part, low in zip(in_image, corner, strict=True))
    return in_window, in_image
