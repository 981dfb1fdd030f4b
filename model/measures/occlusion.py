"""Occlusion: activation and probability while a grey square covers one part of an image after another."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_layer, class_probabilities
from zfnet.model.measures.outputs import check_finite, check_finite_weights
from zfnet.model.progress import progress


class NoActiveMapError(ValueError):
    """No map of the layer is active in the uncovered image."""


class Occlusion(NamedTuple):
    """Activation and probabilities for each place of the square.

    Attributes:
        tops: `(rows,)` ints, top rows of the square.
        lefts: `(columns,)` ints, its left columns, each combined with every top.
        square: its side, in pixels.
        unit: the map with the largest total activation in the uncovered image.
        total: that total.
        totals: float64 `(rows, columns)`, the total of the same map with the square at each place.
        uncovered: float64 `(classes,)`, probabilities of the uncovered image; None for a model without classes.
        probabilities: float64 `(rows, columns, classes)`; None for a model without classes.
    """

    tops: np.ndarray
    lefts: np.ndarray
    square: int
    unit: int
    total: float
    totals: np.ndarray
    uncovered: np.ndarray | None
    probabilities: np.ndarray | None

    def lowest_place(self, class_number: int | None) -> tuple[int, int]:
        """Row and column, in `probabilities`, of the lowest probability of a class; of the lowest total in a model without classes."""
        values = self.totals if self.probabilities is None or class_number is None else self.probabilities[..., class_number]
        row, column = np.unravel_index(values.argmin(), values.shape)
        return int(row), int(column)


def square_starts(length: int, square: int, stride: int) -> np.ndarray:
    """Starts of squares along one axis, ints in pixels: from border to border, evenly, no further apart than `stride`.

    Examples:
        >>> square_starts(10, 4, 4)
        array([0, 3, 6])
    """
    return np.rint(np.linspace(0, length - square, math.ceil((length - square) / stride) + 1)).astype(int)


def occlusion(
    deconvnet: Deconvnet, image: np.ndarray, fill: np.ndarray, layer: str, *, square: int, stride: int, batch_size: int = 64
) -> Occlusion:
    """Slides a square over an image and measures the strongest feature map and the predictions.

    Zeiler & Fergus 2013, section 4.2 and Fig. 7. Reading: the paper's "strongest feature map" is the one with the largest total
    activation in the uncovered image, since the figure draws the total.

    Args:
        deconvnet: of the model.
        image: one image, values and layout as the model takes them, without a batch.
        fill: content of the square, as in `cover_boxes`.
        layer: name of a layer with feature maps, or of a dense one, whose units count as maps of one position.
        square: side of the square, in pixels.
        stride: most pixels from one place to the next.
        batch_size: number of images in one forward pass.

    Raises:
        ValueError: if the square does not fit, or weights or activations are not finite numbers.
        NoActiveMapError: if no map of the layer is active in the image.

    Examples:
        >>> occlusion(deconvnet, images[0], np.full(3, 128.0), "conv5", square=40, stride=28).totals.shape
        (3, 3)
    """
    channels_first = deconvnet.graph.channels_first
    height, width = image.shape[1:] if channels_first else image.shape[:2]
    if not (0 < square <= min(height, width) and stride > 0):
        raise ValueError(
            f"The square has a side of {square} pixels and a stride of {stride}; expected a side of 1 to {min(height, width)}, "
            "the image's, and a stride of at least 1."
        )
    check_finite_weights(deconvnet, filter(None, [layer, class_layer(deconvnet)]))
    tops, lefts = square_starts(height, square, stride), square_starts(width, square, stride)
    places = np.stack([grid.ravel() for grid in np.meshgrid(lefts, tops)], axis=1)
    boxes = np.concatenate([np.zeros((1, 4), int), np.pad(places, ((0, 0), (0, 2)), constant_values=square)])  # First, nothing covered.
    batch_size = min(batch_size, len(boxes))
    totals = []
    predictions: list[np.ndarray] = []
    for start in progress(range(0, len(boxes), batch_size), math.ceil(len(boxes) / batch_size), "Occluding"):
        batch = boxes[start : start + batch_size]
        # All batches have one size, so that the net is compiled once.
        filled = np.concatenate([batch, np.repeat(batch[-1:], batch_size - len(batch), axis=0)])
        covered = cover_boxes(np.broadcast_to(image, (batch_size, *image.shape)), filled, fill, channels_first)
        sums, probabilities = _totals_and_probabilities(deconvnet, covered, layer)
        totals.append(sums[: len(batch)])
        predictions.extend(each[: len(batch)] for each in probabilities)
    totals = np.concatenate(totals)
    check_finite(layer, totals)
    unit = int(totals[0].argmax())
    if totals[0, unit] <= 0:
        raise NoActiveMapError(f"No map of layer {layer!r} is active in this image: name another layer, or give another image.")
    grid = len(tops), len(lefts)
    uncovered = probabilities = None
    if predictions:
        together = np.concatenate(predictions)
        uncovered, probabilities = together[0], together[1:].reshape(*grid, -1)
    return Occlusion(tops, lefts, square, unit, float(totals[0, unit]), totals[1:, unit].reshape(grid), uncovered, probabilities)


def _totals_and_probabilities(deconvnet: Deconvnet, images: np.ndarray, layer: str) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Total activation of each map, and probabilities if the model has classes."""
    classes = class_layer(deconvnet)
    maps, *outputs = deconvnet.activations(images, [layer, *([classes] if classes else [])])
    axes = (2, 3) if deconvnet.graph.channels_first else (1, 2)
    maps = tf.cast(maps, tf.float64)
    sums = np.asarray(tf.reduce_sum(maps, axes) if len(maps.shape) == 4 else maps)
    return sums, tuple(class_probabilities(deconvnet, values) for values in outputs)


def cover_boxes(images: np.ndarray, boxes: np.ndarray, fill: np.ndarray, channels_first: bool = False) -> np.ndarray:
    """Copies images `(N, ...)`, as the model takes them, and covers a box of each.

    Args:
        boxes: `(N, 4)` ints: left, top, width, height, in pixels of the image.
        fill: content of the box, of the shape of one image or of its colour: `(H, W, 3)` or `(3,)`; `(3, H, W)` or `(3, 1, 1)`.
        channels_first: whether the images are `(3, H, W)`.
    """
    height, width = images.shape[2:4] if channels_first else images.shape[1:3]
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    left, top, right, bottom = (edge[:, None, None] for edge in (*boxes[:, :2].T, *(boxes[:, :2] + boxes[:, 2:]).T))
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return np.where(np.expand_dims(inside, 1 if channels_first else 3), np.asarray(fill, images.dtype), images)
