"""Projections as pictures: signed values around grey."""

import numpy as np

# Share of the values that the brightest and darkest may leave outside of the scale, so that single pixels do not grey the rest.
OUTLIERS = 0.002


def signed_to_rgb(projections: np.ndarray) -> np.ndarray:
    """Turns signed pixel values into a picture in which 0 is grey.

    Every projection has a scale of its own, since activations differ by orders of magnitude: the absolute value that only 0.2 % of
    its values exceed becomes black or white, and what exceeds it is clipped. Zeiler & Fergus 2013, Fig. 2, do not state theirs.

    Args:
        projections: float array `(N, H, W, C)`, signed values of any range.

    Returns:
        uint8 array `(N, H, W, C)`; 128 is 0. A projection of nothing but zeros is grey.

    Example:
        >>> signed_to_rgb(np.array([[[[-2.0], [0.0], [2.0]]]])).ravel()
        array([  0, 128, 255], dtype=uint8)
    """
    flat = np.abs(projections).reshape(len(projections), -1)
    scale = np.quantile(flat, 1 - OUTLIERS, axis=1)
    # A projection that is zero almost everywhere still shows what it has.
    scale = np.where(scale > 0, scale, flat.max(axis=1))
    scale = np.where(scale > 0, scale, 1)[:, None, None, None]
    return np.clip(np.rint(128 + 127.5 * projections / scale), 0, 255).astype(np.uint8)
