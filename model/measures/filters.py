"""Filters of a convolution: aliasing under its stride, size, and structure."""

from typing import NamedTuple

import keras
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


# Of white noise's 2. Of 7 x 7 weights, edges and lines have less than 0.5, and what a training left of the noise that it began with 1 to 2.
ROUGHEST = 0.7
# Of a filter's energy. A colour that fades towards the border has less that varies; an edge on a colour of the same strength has a half.
LEAST_VARYING = 0.2


class FilterStructure(NamedTuple):
    """How much pattern each filter has.

    Attributes:
        roughness: float64 `(filters,)`, 0 to about 4: mean squared difference of neighbouring weights over the variance of the weights
            around their mean, by channel. 0 where nothing varies.
        varying: float64 `(filters,)`, 0..1: share of the energy that is not the filter's mean, by channel; 0 for nothing but zeros.
        structured: booleans `(filters,)`: edges, lines, gratings, centres with a surround, borders of two colours.
        noisy: booleans `(filters,)`: noise, or waves shorter than about six weights, which the measure can't tell from it.
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
    """Tells filters with structure from noise and from plain colours.

    Zeiler & Fergus 2013, section 4.1, judge a first layer by looking at its filters, and do not measure it. Roughness is von Neumann's
    ratio (1941: mean square successive difference over variance) for neighbours in two dimensions, which is Geary's contiguity ratio
    (1954) times 2 n / (n - 1), of n weights a channel. White noise has 2 n / (n - 1) in expectation, a checkerboard about 4, a grating of
    f cycles a weight along an axis 1 - cos(2 pi f), and an edge next to nothing.

    Reading: a filter has structure where its roughness is below 0.7 and more than a fifth of its energy varies. Neighbours are those in the
    kernel, one row or column apart, also where a dilation leaves pixels out between them; all pairs count alike. A kernel of one row has
    pairs along it alone, one of 1 x 1 none.

    White noise hardly ever passes: of 100,000 filters over 1 or 3 channels none did in 2 x 2 to 11 x 11, and at most 1.3 % in a single
    row. Small kernels fail by the reverse: the smoothest edge that fits into 3 x 3 has a roughness of 0.75, and the smoothest line in 5 x 5
    (one period of a cosine) 0.86. So a kernel is judged only where a line along either axis can pass: from 6 x 6 on.

    Args:
        kernel: float array `(height, width, channels, filters)`.

    Returns:
        The measures, in the order of the filters. They do not change where a filter is scaled.

    Raises:
        ValueError: the kernel is no convolution's, or has weights that are not numbers.

    Examples:
        >>> edge = np.repeat(np.linspace(-1, 1, 7), 7).reshape(7, 7, 1, 1)
        >>> filter_structure(edge).roughness.round(2)
        array([0.12])
    """
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 4:
        raise ValueError(f"The kernel has shape {kernel.shape}; expected (height, width, channels, filters).")
    if not np.isfinite(kernel).all():
        raise ValueError("The kernel has weights that are not finite numbers (NaN or infinite), which have no structure.")
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
    """Share of the filters of a model's first convolution that have structure.

    Args:
        model: any; the first `Conv2D` of its layers is looked at.

    Returns:
        0..1; None if there is no convolution, or if its kernel is too small to tell.

    Raises:
        ValueError: the layer has weights that are not numbers.

    Examples:
        >>> structured_share(keras.saving.load_model("zfnet_run/trainer/1/model/model.keras"))
    """
    first = next((layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)), None)
    return None if first is None else filter_structure(first.kernel.numpy()).share


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0)


def _pairs(height: int, width: int) -> int:
    return (height - 1) * width + height * (width - 1)


def _line_passes(height: int, width: int) -> bool:
    """Whether one period of a cosine along either axis, the smoothest line there is, has less than the largest roughness."""
    lines = [2 * (1 - np.cos(2 * np.pi / length)) * height * width / _pairs(height, width) for length in (height, width) if length > 1]
    return bool(lines and max(lines) < ROUGHEST)
