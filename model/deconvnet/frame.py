"""Windows of images: cut out, put back, and moved inside where they leave the image."""

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


def move_inside(windows: np.ndarray, corners: np.ndarray, limits: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Moves windows that leave their image back into it, by as little as possible; what they show of it stays at its place there.

    Args:
        windows: array `(M, h, w, C)`, 0 outside of the image.
        corners: ints `(M, 2)`, row and column of each window's top left corner, possibly negative.
        limits: height and width `(H, W)` of the image.

    Returns:
        Array `(M, min(h, H), min(w, W), C)`, 0 where it shows what the window did not; and ints `(M, 2)`, corners in the image.

    Examples:
        >>> window = np.array([[0, 0], [5, 6]])  # Its upper row lies above the image.
        >>> moved, corners = move_inside(window[None, :, :, None], np.array([[-1, 2]]), (8, 8))
        >>> moved[0, :, :, 0].tolist(), corners.tolist()
        ([[5, 6], [0, 0]], [[0, 2]])
    """
    size = min(windows.shape[1], limits[0]), min(windows.shape[2], limits[1])
    inside = np.clip(corners, 0, np.subtract(limits, size))
    moved = np.zeros((len(windows), *size, windows.shape[3]), windows.dtype)
    for target, window, shift in zip(moved, windows, corners - inside, strict=True):
        paste_window(target, window, shift)
    return moved, inside


def _overlap(corner, size, shape):
    first = [max(0, int(low)) for low in corner]
    last = [max(start, min(limit, int(low) + length)) for start, low, length, limit in zip(first, corner, size, shape, strict=False)]
    in_image = tuple(slice(start, stop) for start, stop in zip(first, last, strict=True))
    in_window = tuple(slice(part.start - int(low), part.stop - int(low)) for part, low in zip(in_image, corner, strict=True))
    return in_window, in_image
