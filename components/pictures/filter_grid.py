"""The filters of the first convolution, as a grid."""

import numpy as np

from zfnet.components.pictures.sheet import block


def filter_grid(kernel: np.ndarray, side: int = 56) -> np.ndarray:
    """Draws filters over RGB as small pictures.

    Zeiler & Fergus 2013, Fig. 6. Each filter has a scale of its own: its largest weight, in absolute value, is black or white.

    Args:
        kernel: float array `(height, width, 3, filters)`.
        side: side of a tile, in pixels.

    Returns:
        uint8 array: the grid, about three tiles wide for every two high; 0 is grey.

    Raises:
        ValueError: if the filters do not look at three channels.
    """
    filters = filter_pictures(kernel)
    return block(list(filters), round(np.sqrt(len(filters) * 1.5)), side)


def filter_pictures(kernel: np.ndarray) -> np.ndarray:
    """The pictures that `filter_grid` lays out, of a kernel as it takes it: uint8 `(filters, height, width, 3)`."""
    if kernel.ndim != 4 or kernel.shape[2] != 3:
        raise ValueError(f"The kernel has shape {kernel.shape}; expected (height, width, 3, filters), filters over RGB.")
    scale = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)), np.finfo(np.float32).tiny)
    return np.rint(127.5 + 127.5 * kernel / scale).astype(np.uint8).transpose(3, 0, 1, 2)
