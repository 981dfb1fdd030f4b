"""How large a convolution's filters are, and which of them their clip holds."""

import numpy as np
from numpy.typing import ArrayLike

# What a clip leaves differs from its radius by rounding alone, in float32 by a few units of 1e-7; in float16 weights, of 1e-3.
ROUNDING = 1e-3


def filter_rms(kernel: ArrayLike) -> np.ndarray:
    """The root mean square of each filter, which the paper's clip holds down.

    Zeiler & Fergus 2013, section 3.

    Args:
        kernel: float array `(height, width, channels, filters)`.

    Returns:
        float64 `(filters,)`, in weight units.

    Raises:
        ValueError: the kernel is no convolution's.

    Examples:
        >>> filter_rms(np.full((7, 7, 3, 2), -0.4))
        array([0.4, 0.4])
    """
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 4:
        raise ValueError(f"The kernel has shape {kernel.shape}; expected (height, width, channels, filters).")
    return np.sqrt(np.square(kernel).mean(axis=(0, 1, 2)))


def at_clip(rms: np.ndarray, radius: float) -> np.ndarray:
    """Which filters are at the clip, or would be beyond it.

    Zeiler & Fergus 2013, section 3: filters whose root mean square exceeds the radius are scaled back to it.

    Args:
        rms: `(filters,)`, of each filter.
        radius: of the clip, in the same units.

    Returns:
        Booleans `(filters,)`.

    Raises:
        ValueError: the radius is not positive.

    Examples:
        >>> at_clip(np.array([0.02, 0.05, 0.07]), 0.05)
        array([False,  True,  True])
    """
    if not radius > 0:
        raise ValueError(f"The radius is {radius}; it must be greater than 0.")
    return rms >= radius * (1 - ROUNDING)
