"""Correlations of the feature maps of two networks over the same images, and their pairs."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.optimize import linear_sum_assignment

from zfnet.model.deconvnet.deconvnet import Deconvnet

ROUNDING = 1e-7  # Of single precision, relative.


class Correlations:
    """Pearson correlations of every variable of one set with every one of another, from observations that come in parts.

    Sums are float64, about the means so far; memory use does not grow with the observations.

    Examples:
        >>> found = Correlations()
        >>> found.add(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[0.0], [2.0]]))
        >>> found.add(np.array([[2.0, 1.0]]), np.array([[4.0]]))
        >>> found.values.tolist()
        [[1.0], [nan]]
    """

    def __init__(self) -> None:
        self._count = 0
        self._means: Any = (0.0, 0.0)
        self._squares: Any = (0.0, 0.0)
        self._products: Any = 0.0

    def add(self, one: np.ndarray, other: np.ndarray) -> None:
        """Takes observations of both sets, `(n, a)` and `(n, b)`, in the same order."""
        values = [np.asarray(each, np.float64) for each in (one, other)]
        count, total = len(one), self._count + len(one)
        means = [each.mean(axis=0) for each in values]
        moved = [new - old for new, old in zip(means, self._means, strict=True)]
        values = [each - mean for each, mean in zip(values, means, strict=True)]
        # Chan, Golub and LeVeque 1983: moments of two parts together.
        weight = self._count * count / total
        self._products = self._products + values[0].T @ values[1] + weight * np.outer(*moved)
        self._squares = [
            old + np.square(each).sum(axis=0) + weight * np.square(move)
            for old, each, move in zip(self._squares, values, moved, strict=True)
        ]
        self._means = [old + move * count / total for old, move in zip(self._means, moved, strict=True)]
        self._count = total

    @property
    def values(self) -> np.ndarray:
        """The correlations, float64 `(a, b)`; NaN for a variable that is constant."""
        # Less than the rounding of single precision is no variation.
        least = [self._count * np.square(ROUNDING * np.asarray(mean)) for mean in self._means]
        varying = [np.asarray(squares) > each for squares, each in zip(self._squares, least, strict=True)]
        lengths = np.sqrt(np.outer(*self._squares))
        return np.where(np.logical_and.outer(*varying), self._products / np.where(lengths > 0, lengths, 1), np.nan)


def map_correlations(
    one: Deconvnet, other: Deconvnet, batches: Iterable[tuple[Any, Any]], layers: Sequence[tuple[str, str]]
) -> list[np.ndarray]:
    """Correlates every map of one network with every map of another over the same images, place by place, in one pass.

    Maps of different size are averaged to the smaller height and the smaller width: a place is a part of the image then. Dense units are
    correlated image by image.

    Args:
        batches: the same images, in the same order, as each network takes them.
        layers: pairs of names, a layer of one network and one of the other.

    Returns:
        For each pair the correlations, float64 `(maps, other's maps)`; NaN for maps that are constant.

    Raises:
        ValueError: there are no images, or one layer of a pair has maps and the other dense units, or maps with other axes.

    Examples:
        >>> (found,) = map_correlations(deconvnet, deconvnet, [(images, images)], [("conv3", "conv4")])
        >>> found.shape
        (192, 192)
    """
    sums = [Correlations() for _ in layers]
    count = 0
    for batch, others in batches:
        found = [_activations(*each) for each in ((one, batch, [a for a, _ in layers]), (other, others, [b for _, b in layers]))]
        count += len(found[0][0])
        for pair, total, mine, yours in zip(layers, sums, *found, strict=True):
            total.add(*_same_places(pair, mine, yours))
    if not count:
        raise ValueError("There are no images to compare activations over; expected at least one.")
    return [each.values for each in sums]


def _activations(deconvnet: Deconvnet, images: Any, layers: list[str]) -> list[tf.Tensor]:
    """Activations of each layer, channels last."""
    parts = [found for _, (_, found) in deconvnet.maxima(images, layers)]
    return [tf.concat(each, axis=0) for each in zip(*parts, strict=True)]


def _same_places(layers: tuple[str, str], one: tf.Tensor, other: tf.Tensor) -> list[np.ndarray]:
    sizes = one.shape[1:-1], other.shape[1:-1]
    if len(sizes[0]) != len(sizes[1]) or (sizes[0] != sizes[1] and len(sizes[0]) != 2):
        shapes = f"{tuple(one.shape[1:])} and {tuple(other.shape[1:])}"
        raise ValueError(
            f"The layers {layers[0]!r} and {layers[1]!r} have outputs of the shapes {shapes}; expected maps, or units, of both."
        )
    if sizes[0] != sizes[1]:
        size = [min(pair) for pair in zip(*sizes, strict=True)]
        one, other = (tf.image.resize(each, size, method="area") for each in (one, other))
    return [np.asarray(each).reshape(-1, each.shape[-1]) for each in (one, other)]


class Matches(NamedTuple):
    """The map of another network that belongs to each map of a layer.

    Attributes:
        pairs: int64 `(maps,)`, its partner: each of the other's maps has one partner at most, so that the sum of all correlations is
            greatest; -1 for none, if the other has fewer maps, or for a map that is constant.
        correlations: float64 `(maps,)`, with the partner; NaN for none.
        best: int64 `(maps,)`, the map of the other that correlates most, which may be that of several; -1 if the map is constant.
        best_correlations: float64 `(maps,)`.
    """

    pairs: np.ndarray
    correlations: np.ndarray
    best: np.ndarray
    best_correlations: np.ndarray


def match_maps(correlations: np.ndarray) -> Matches:
    """Matches the maps of two layers by their correlations, `(maps, other's maps)`, one to one (the Hungarian algorithm).

    Examples:
        >>> found = match_maps(np.array([[0.9, 0.8], [0.7, 0.1]]))
        >>> found.pairs.tolist(), found.best.tolist()
        ([1, 0], [0, 0])
    """
    known, count = np.nan_to_num(correlations, nan=-2.0), len(correlations)
    rows, columns = linear_sum_assignment(known, maximize=True)
    pairs, found = np.full(count, -1), np.full(count, np.nan)
    found[rows] = correlations[rows, columns]
    pairs[rows] = np.where(np.isnan(found[rows]), -1, columns)
    is_dead = (known <= -2).all(axis=1)
    return Matches(pairs, found, np.where(is_dead, -1, known.argmax(axis=1)), np.where(is_dead, np.nan, known.max(axis=1)))
