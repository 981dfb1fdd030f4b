"""Filters of a convolution: aliasing under its stride, size, and structure."""

from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike

# Clipped filters differ from the radius by rounding alone: a few units of 1e-7 in float32, of 1e-3 in float16.
ROUNDING = 1e-3
# White noise has 2. In 7 x 7 weights, edges and lines have less than 0.5, and the remains of initial noise after training 1 to 2.
ROUGHEST = 0.7
# Share of a filter's energy. A colour that fades towards the border varies less; an edge on a colour of the same strength has half.
LEAST_VARYING = 0.2


def aliased_energy(kernel: ArrayLike, strides: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> np.ndarray:
    """Share of each filter's spectrum that its stride cannot represent: float64 `(filters,)`, 0..1; 0 for a filter of zeros.

    Zeiler & Fergus 2013, section 4.1 and Fig. 6(d): "aliasing artifacts caused by the large stride 4". A layer samples every
    `stride`-th position alone, so that frequencies above 1 / (2 stride) cycles a pixel appear as lower ones.

    Reading: the paper shows aliasing and does not measure it. Here it is the energy of the filter's spectrum outside the square
    |fy| <= 1 / (2 stride), |fx| <= 1 / (2 stride), divided by all of its energy, summed over the channels. The filter's mean (DC)
    is included: any stride represents it, so that blobs of colour hardly alias. Compare with `white_noise`.

    Args:
        kernel: as in `filter_structure`.
        strides: vertical and horizontal, in pixels.
        dilation: pixels from one weight to the next, vertical and horizontal.

    Examples:
        >>> aliased_energy(np.ones((7, 7, 3, 1)), (2, 2)).round(2)
        array([0.08])
    """
    return energy_beyond(kernel, (0.5 / strides[0], 0.5 / strides[1]), dilation)


def energy_beyond(kernel: ArrayLike, limits: tuple[float, float], dilation: tuple[int, int] = (1, 1)) -> np.ndarray:
    """Share of each filter's spectrum outside of a rectangle around frequency 0; the rest as in `aliased_energy`.

    `limits` are the largest vertical and horizontal frequency inside, in cycles a pixel; 0 to 0.5.
    """
    kernel = _finite_weights(kernel, "spectrum")
    if not all(0 <= limit <= 0.5 for limit in limits):
        raise ValueError(f"The limits are {limits}; expected frequencies of 0 to 0.5 cycles a pixel.")
    # The integral of the squared spectrum over the rectangle, in closed form: the limit of a discrete Fourier transform padded with more
    # and more zeros. Along one axis it is Slepian's quadratic form, with the matrix 2 f sinc(2 f (i - k)).
    rows, columns = (
        2 * limit * np.sinc(2 * limit * step * (np.arange(length)[:, None] - np.arange(length)))
        for limit, step, length in zip(limits, dilation, kernel.shape[:2], strict=True)
    )
    inside = np.einsum("ik,kjcf,jl,ilcf->f", rows, kernel, columns, kernel, optimize=True)
    whole = np.square(kernel).sum(axis=(0, 1, 2))
    return np.where(whole > 0, np.clip(1 - _ratio(inside, whole), 0, 1), 0)


def white_noise(strides: tuple[int, int]) -> float:
    """Expected `aliased_energy` of white noise, that is, of filters that learned nothing.

    Examples:
        >>> white_noise((2, 2))
        0.75
    """
    return 1 - 1 / (strides[0] * strides[1])


def filter_rms(kernel: ArrayLike) -> np.ndarray:
    """Root mean square of each filter, float64 `(filters,)`, which the paper's clip limits (Zeiler & Fergus 2013, section 3).

    Examples:
        >>> filter_rms(np.full((7, 7, 3, 2), -0.4))
        array([0.4, 0.4])
    """
    return np.sqrt(np.square(_weights(kernel)).mean(axis=(0, 1, 2)))


def at_clip(rms: np.ndarray, radius: float) -> np.ndarray:
    """Marks the filters whose root mean square `(filters,)` is at the radius of the RMS clip, in the same units.

    Examples:
        >>> at_clip(np.array([0.02, 0.05, 0.07]), 0.05)
        array([False,  True,  True])
    """
    if not radius > 0:
        raise ValueError(f"The radius is {radius}; it must be greater than 0.")
    return rms >= radius * (1 - ROUNDING)


class FilterStructure(NamedTuple):
    """Amount of pattern in each filter.

    Attributes:
        roughness: float64 `(filters,)`, 0 to about 4: mean squared difference of neighbouring weights over the variance of the weights
            around their mean, by channel. 0 for a filter without variance.
        varying: float64 `(filters,)`, 0..1: share of the energy that is not the filter's mean, by channel; 0 for nothing but zeros.
        structured: booleans `(filters,)`: edges, lines, gratings, centres with a surround, borders of two colours.
        noisy: booleans `(filters,)`: noise, or waves shorter than about six weights, which the measure cannot tell from it.
        plain: booleans `(filters,)`: one colour, or one grey. A filter of nothing but zeros is none of the three.
        judged: whether the kernel is large enough to tell these apart; otherwise no filter is any of the three.
    """

    roughness: np.ndarray
    varying: np.ndarray
    structured: np.ndarray
    noisy: np.ndarray
    plain: np.ndarray
    judged: bool

    @property
    def share(self) -> float | None:
        """Share of the filters that have structure, 0..1; None if the kernel is too small to tell."""
        return float(self.structured.mean()) if self.judged else None


def filter_structure(kernel: ArrayLike) -> FilterStructure:
    """Tells filters with structure from noise and from plain colours, whatever their scale.

    Zeiler & Fergus 2013, section 4.1, judge a first layer by eye and do not measure it. Roughness is von Neumann's
    ratio (1941: mean square successive difference over variance) for neighbours in two dimensions, which is Geary's contiguity ratio
    (1954) times 2 n / (n - 1), for n weights a channel. Its expectation is 2 n / (n - 1) for white noise, about 4 for a checkerboard,
    1 - cos(2 pi f) for a grating of f cycles a weight along an axis, and next to nothing for an edge.

    Reading: a filter has structure if its roughness is below 0.7 and more than a fifth of its energy varies. Neighbours are those in the
    kernel, one row or column apart, also if a dilation leaves pixels out between them; all pairs count alike. A kernel of one row has
    pairs along it alone, one of 1 x 1 none.

    White noise hardly ever passes: of 100,000 filters over 1 or 3 channels none did in 2 x 2 to 11 x 11, and at most 1.3 % in a single
    row. Small kernels fail by the reverse: the smoothest edge that fits into 3 x 3 has a roughness of 0.75, and the smoothest line in 5 x 5
    (one period of a cosine) 0.86. So a kernel is judged only if a line along either axis can pass: from 6 x 6 on.

    Args:
        kernel: float array `(height, width, channels, filters)`.

    Raises:
        ValueError: if the kernel is no convolution's, or has weights that are not numbers.

    Examples:
        >>> edge = np.repeat(np.linspace(-1, 1, 7), 7).reshape(7, 7, 1, 1)
        >>> filter_structure(edge).roughness.round(3)
        array([0.125])
    """
    kernel = _finite_weights(kernel, "structure")
    height, width = kernel.shape[:2]
    steps = sum(np.square(np.diff(kernel, axis=axis)).sum(axis=(0, 1, 2)) for axis in (0, 1))
    varied = np.square(kernel - kernel.mean(axis=(0, 1), keepdims=True)).sum(axis=(0, 1, 2))
    roughness = _ratio(steps / max(1, _pairs(height, width)), varied / (height * width))
    whole = np.square(kernel).sum(axis=(0, 1, 2))
    varying = _ratio(varied, whole)
    judged = _line_passes(height, width)
    pattern = varying > LEAST_VARYING
    return FilterStructure(
        roughness=roughness,
        varying=varying,
        structured=judged & pattern & (roughness < ROUGHEST),
        noisy=judged & pattern & (roughness >= ROUGHEST),
        plain=judged & ~pattern & (whole > 0),
        judged=judged,
    )


def structured_share(model: keras.Model) -> float | None:
    """Share of the filters of a model's first `Conv2D` that have structure, 0..1.

    None if there is no convolution, or if its kernel is too small to tell; errors as in `filter_structure`.

    Examples:
        >>> 0 <= structured_share(model) <= 1
        True
    """
    first = next((layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)), None)
    return None if first is None else filter_structure(first.kernel.numpy()).share


def _weights(kernel: ArrayLike) -> np.ndarray:
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 4:
        raise ValueError(f"The kernel has shape {kernel.shape}; expected (height, width, channels, filters).")
    return kernel


def _finite_weights(kernel: ArrayLike, measure: str) -> np.ndarray:
    kernel = _weights(kernel)
    if not np.isfinite(kernel).all():
        raise ValueError(f"The kernel has weights that are not finite numbers (NaN or infinite), which have no {measure}.")
    return kernel


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0)


def _pairs(height: int, width: int) -> int:
    return (height - 1) * width + height * (width - 1)


def _line_passes(height: int, width: int) -> bool:
    """Whether one period of a cosine along either axis, the smoothest line there is, is below the largest roughness."""
    lines = [2 * (1 - np.cos(2 * np.pi / length)) * height * width / _pairs(height, width) for length in (height, width) if length > 1]
    return bool(lines and max(lines) < ROUGHEST)
