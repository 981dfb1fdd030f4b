"""The filters of a model's first convolution, measured and as pictures."""

from typing import NamedTuple

import numpy as np

from zfnet.components.inputs.preprocessing import LAYER
from zfnet.components.pictures.sheet import filter_pictures
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.measures.filters import FilterStructure, aliased_energy, at_clip, energy_beyond, filter_rms, filter_structure
from zfnet.model.net.layers import FilterRmsClip

# Where the curve of the energy beyond a frequency is drawn, in cycles a pixel.
FREQUENCIES = np.linspace(0, 0.5, 51)


class FirstLayer(NamedTuple):
    """The first convolution.

    Attributes:
        name: of the layer.
        size: height and width of its filters, in pixels (with what a dilation leaves out).
        strides: vertical and horizontal.
        channels: what its filters look at.
        structure: which filters look for a pattern, and which are noise or one colour.
        aliased: `(filters,)`, as `aliased_energy`.
        beyond: `(51,)`, of each of `FREQUENCIES` the median over the filters of the energy beyond it.
        rms: `(filters,)`, root mean square of each filter.
        radius: of the RMS clip; None if there is none.
        radius_from: `FilterRmsClip` or `--radius`; None if there is none.
        clipped: `(filters,)` booleans, which are at the clip; None if there is none.
        pictures: uint8 `(filters, height, width, 3)`; 0 is grey.
    """

    name: str
    size: tuple[int, int]
    strides: tuple[int, int]
    channels: int
    structure: FilterStructure
    aliased: np.ndarray
    beyond: np.ndarray
    rms: np.ndarray
    radius: float | None
    radius_from: str | None
    clipped: np.ndarray | None
    pictures: np.ndarray


def first_layer(deconvnet: Deconvnet, name: str, radius: float | None = None) -> FirstLayer:
    """Measures the first convolution.

    Zeiler & Fergus 2013, section 4.1 and Fig. 6.

    Args:
        deconvnet: of the model.
        name: of its first convolution.
        radius: of the RMS clip, for a layer that does not say it itself, by the constraint `FilterRmsClip`.

    Returns:
        The layer.

    Raises:
        ValueError: the layer's weights are not numbers, or the radius is not positive.
    """
    layer = deconvnet.graph.calls[name][0].layer
    kernel, dilation = np.asarray(layer.kernel, np.float64), tuple(layer.dilation_rate)
    if not np.isfinite(kernel).all():
        raise ValueError(f"Layer {name!r} has weights that are not finite numbers (NaN or infinite): did the training diverge?")
    radius_from = None if radius is None else "--radius"
    if isinstance(layer.kernel_constraint, FilterRmsClip):
        radius, radius_from = float(layer.kernel_constraint.radius), "FilterRmsClip"
    rms = filter_rms(kernel)
    return FirstLayer(
        name=name,
        size=tuple((length - 1) * step + 1 for length, step in zip(kernel.shape[:2], dilation, strict=True)),
        strides=tuple(layer.strides),
        channels=kernel.shape[2],
        structure=filter_structure(kernel),
        aliased=aliased_energy(kernel, layer.strides, dilation),
        beyond=np.array([np.median(energy_beyond(kernel, (limit, limit), dilation)) for limit in FREQUENCIES]),
        rms=rms,
        radius=radius,
        radius_from=radius_from,
        clipped=None if radius is None else at_clip(rms, radius),
        pictures=filter_pictures(_over_rgb(deconvnet.graph, kernel)),
    )


def _over_rgb(graph: Graph, kernel: np.ndarray) -> np.ndarray:
    """The kernel as it looks at red, green and blue; at their strength where it looks at something else."""
    before = graph.operations[0].layer
    if before.name.startswith(LAYER):
        # Models may take blue before red, or grey: pictures show what the filters, with that change before them, look for.
        return np.einsum("rc,hwcf->hwrf", np.asarray(before.kernel)[0, 0], kernel)
    if kernel.shape[2] in (1, 3):
        return np.broadcast_to(kernel, (*kernel.shape[:2], 3, kernel.shape[3]))
    return np.repeat(np.sqrt(np.square(kernel).mean(axis=2, keepdims=True)), 3, axis=2)
