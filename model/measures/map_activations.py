"""Activation of each feature map over many images: dead maps, and spread."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches
from zfnet.model.measures.outputs import check_finite, check_finite_weights


class MapActivations(NamedTuple):
    """Statistics of a layer's maps, or dense units, over all images.

    Attributes:
        maxima: float32 `(maps,)`, the largest activation of each, at any position in any image.
        minima: float32 `(maps,)`, the smallest.
        means: float64 `(maps,)`, the mean of the positive part, over all positions and images.
        images: number of images.
    """

    maxima: np.ndarray
    minima: np.ndarray
    means: np.ndarray
    images: int

    @property
    def dead(self) -> np.ndarray:
        """Booleans `(maps,)`: maps that are always 0. A leaky ReLU also passes negative values: a map with some is not dead."""
        return (self.maxima <= 0) & (self.minima >= 0)


def map_activations(deconvnet: Deconvnet, batches: Iterable, layers: list[str]) -> dict[str, MapActivations]:
    """Measures all maps of some layers in one pass, to find the "dead" features of Zeiler & Fergus 2013, section 4.1.

    Sums are float64; memory use does not grow with the number of images. Image batches are as in `image_batches`.

    Raises:
        ValueError: if there are no images or no such layer, or weights or activations are not numbers.

    Examples:
        >>> map_activations(deconvnet, [images], ["conv1"])["conv1"].means.shape
        (48,)
    """
    check_finite_weights(deconvnet, layers)
    maxima, minima, sums = ({layer: np.asarray(start) for layer in layers} for start in (-np.inf, np.inf, 0.0))
    counts, number = dict.fromkeys(layers, 0), 0
    for images, ids in image_batches(batches, len(deconvnet.graph.inputs)):
        for _, (_, activations) in deconvnet.maxima(images, layers) if len(ids) else ():
            for layer, maps in zip(layers, activations, strict=True):
                others = list(range(maps.shape.rank - 1))
                highest, lowest = tf.reduce_max(maps, others).numpy(), tf.reduce_min(maps, others).numpy()
                total = tf.reduce_sum(tf.cast(tf.nn.relu(maps), tf.float64), others).numpy()
                check_finite(layer, total)
                maxima[layer] = np.maximum(maxima[layer], highest)
                minima[layer] = np.minimum(minima[layer], lowest)
                sums[layer] = sums[layer] + total
                counts[layer] += int(np.prod(maps.shape[:-1]))
        number += len(ids)
    if not number:
        raise ValueError("There are no images to measure activations over; expected at least one.")
    return {
        layer: MapActivations(maxima[layer].astype(np.float32), minima[layer].astype(np.float32), sums[layer] / counts[layer], number)
        for layer in layers
    }


class ActivationSpread(NamedTuple):
    """How evenly the maps of a layer are active.

    Attributes:
        entropy: of the maps' shares of all activation, divided by the logarithm of their number: 1 if all are equally active,
            0 if only one is active (or there is only one, or none is active).
        strongest_tenth: share of all activation in the strongest tenth of the maps, rounded up, 0..1; 0 if none is active.
    """

    entropy: float
    strongest_tenth: float


def activation_spread(means: np.ndarray) -> ActivationSpread:
    """Measures how evenly the maps of a layer are active, from their mean activations over some images, `(maps,)`, not negative.

    Reading: the paper speaks of filters that dominate (section 3) and shows dead ones (Fig. 6), without a number.

    Examples:
        >>> activation_spread(np.array([1.0, 1.0, 0.0, 0.0]))
        ActivationSpread(entropy=0.5, strongest_tenth=0.5)
    """
    means = np.asarray(means, np.float64)
    if means.ndim != 1 or not len(means) or not np.isfinite(means).all() or means.min() < 0:
        raise ValueError(f"Expected one mean activation for each map, finite and not negative; got {means}.")
    if not means.any():
        return ActivationSpread(0.0, 0.0)
    shares = means / means.sum()
    living = shares[shares > 0]
    entropy = -float(np.sum(living * np.log(living))) / math.log(len(means)) if len(means) > 1 else 0.0
    strongest = np.sort(shares)[::-1][: math.ceil(len(shares) / 10)]
    return ActivationSpread(abs(entropy), float(strongest.sum()))
