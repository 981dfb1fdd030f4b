"""Signed projections as pictures; 0 is grey."""

import numpy as np

# Share of the values that may lie beyond the scale, so that single pixels do not make the rest grey.
OUTLIERS = 0.002


def signed_scale(projections: np.ndarray) -> np.ndarray:
    """The scale of each projection `(N, H, W, C)`: the absolute value that is black or white, which only 0.2 % of its values exceed.

    Activations differ by orders of magnitude, so every projection has its own. Zeiler & Fergus 2013, Fig. 2, do not state theirs. A scale
    is greater than 0 unless the projection is nothing but zeros.
    """
    flat = np.abs(projections).reshape(len(projections), -1)
    scale = np.quantile(flat, 1 - OUTLIERS, axis=1)
    # A projection that is zero almost everywhere is not all grey.
    return np.where(scale > 0, scale, flat.max(axis=1))


def signed_to_rgb(projections: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Turns signed pixel values into a picture in which 0 is grey.

    Args:
        projections: float array `(N, H, W, C)`, signed values of any range.
        scale: `(N,)`, the absolute value of each that becomes black or white; larger ones are clipped. `None` takes `signed_scale`.

    Returns:
        uint8 array `(N, H, W, C)`; 128 is 0. A projection of nothing but zeros is grey.

    Examples:
        >>> signed_to_rgb(np.array([[[[-2.0], [0.0], [2.0]]]])).ravel()
        array([  0, 128, 255], dtype=uint8)
    """
    scale = signed_scale(projections) if scale is None else scale
    scale = np.where(scale > 0, scale, 1)[:, None, None, None]
    return np.clip(np.rint(128 + 127.5 * projections / scale), 0, 255).astype(np.uint8)
