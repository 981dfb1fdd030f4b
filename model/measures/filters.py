"""Filters of a convolution: their aliasing under its stride, and their size."""

import numpy as np
from numpy.typing import ArrayLike

# What a clip leaves differs from its radius by rounding alone, in float32 by a few units of 1e-7; in float16 weights, of 1e-3.
ROUNDING = 1e-3


def aliased_energy(kernel: ArrayLike, strides: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> np.ndarray:
    """The part of each filter's spectrum that its stride can't represent.

    Zeiler & Fergus 2013, section 4.1 and Fig. 6(d): "aliasing artifacts caused by the large stride 4". A layer looks at every
    `stride`-th position alone, so that what a filter answers to above 1 / (2 stride) cycles a pixel comes out as something slower.

    Reading: the paper shows aliasing and does not measure it. Here it is the energy of the filter's spectrum outside the square
    |fy| <= 1 / (2 stride), |fx| <= 1 / (2 stride), divided by all of its energy, summed over the channels. The filter's mean (DC)
    belongs to it: any stride represents it, so that blobs of colour hardly alias.

    Args:
        kernel: float array `(height, width, channels, filters)`.
        strides: vertical and horizontal, in pixels.
        dilation: pixels from one weight to the next, vertical and horizontal.

    Returns:
        float64 `(filters,)`, 0..1; 0 for a filter of nothing but zeros. Compare with `white_noise`.

    Raises:
        ValueError: the kernel is no convolution's, or has weights that are not numbers.

    Examples:
        >>> aliased_energy(np.ones((7, 7, 3, 1)), (2, 2)).round(2)
        array([0.05])
    """
    return energy_beyond(kernel, (0.5 / strides[0], 0.5 / strides[1]), dilation)


def energy_beyond(kernel: ArrayLike, limits: tuple[float, float], dilation: tuple[int, int] = (1, 1)) -> np.ndarray:
    """The part of each filter's spectrum outside of a rectangle around frequency 0.

    Args:
        kernel: float array `(height, width, channels, filters)`.
        limits: largest vertical and horizontal frequency inside, in cycles a pixel; 0 to 0.5.
        dilation: pixels from one weight to the next, vertical and horizontal.

    Returns:
        float64 `(filters,)`, 0..1, as `aliased_energy`.

    Raises:
        ValueError: the kernel is no convolution's, or has weights that are not numbers; a limit is not within 0..0.5.
    """
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 4:
        raise ValueError(f"The kernel has shape {kernel.shape}; expected (height, width, channels, filters).")
    if not np.isfinite(kernel).all():
        raise ValueError("The kernel has weights that are not finite numbers (NaN or infinite), which have no spectrum.")
    if not all(0 <= limit <= 0.5 for limit in limits):
        raise ValueError(f"The limits are {limits}; expected frequencies of 0 to 0.5 cycles a pixel.")
    # The integral of the squared spectrum over the rectangle, in closed form: what a discrete Fourier transform tends to as it is padded
    # with more and more zeros. Of one axis it is Slepian's quadratic form, with the matrix 2 f sinc(2 f (i - k)).
    rows, columns = (
        2 * limit * np.sinc(2 * limit * step * (np.arange(length)[:, None] - np.arange(length)))
        for limit, step, length in zip(limits, dilation, kernel.shape[:2], strict=True)
    )
    inside = np.einsum("ik,kjcf,jl,ilcf->f", rows, kernel, columns, kernel, optimize=True)
    whole = np.square(kernel).sum(axis=(0, 1, 2))
    return np.where(whole > 0, np.clip(1 - inside / np.where(whole > 0, whole, 1), 0, 1), 0)


def white_noise(strides: tuple[int, int]) -> float:
    """The part of white noise's spectrum that a stride can't represent: what filters that learned nothing have.

    Examples:
        >>> white_noise((2, 2))
        0.75
    """
    return 1 - 1 / (strides[0] * strides[1])


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
    """Marks the filters that the RMS clip holds.

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
