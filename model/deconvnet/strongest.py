"""The strongest activations of every feature map over any number of images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet


@dataclasses.dataclass(frozen=True)
class Strongest:
    """The `k` strongest activations of each unit of a layer, best first; at most one of each image.

    Attributes:
        values: float32 `(units, k)`; -inf where there are fewer than `k`.
        examples: int64 `(units, k)`, ids of the images; -1 where there is none.
        positions: int32 `(units, k, 2)`, row and column in the map; `(units, k, 0)` of a dense layer; -1 where there is none.
    """

    values: np.ndarray
    examples: np.ndarray
    positions: np.ndarray

    @classmethod
    def none(cls, units: int, k: int, axes: int) -> Strongest:
        """Of no image at all; `axes` is 2 for feature maps, 0 for dense units."""
        return cls(np.full((units, k), -np.inf, np.float32), np.full((units, k), -1, np.int64), np.full((units, k, axes), -1, np.int32))

    def merge(self, other: Strongest) -> Strongest:
        """The strongest of both, in whatever order they are merged: of equals, the lower id comes first."""
        values = np.concatenate([self.values, other.values], axis=1)
        examples = np.concatenate([self.examples, other.examples], axis=1)
        positions = np.concatenate([self.positions, other.positions], axis=1)
        order = np.lexsort((examples, -values), axis=1)[:, : self.values.shape[1]]
        return Strongest(
            np.take_along_axis(values, order, 1),
            np.take_along_axis(examples, order, 1),
            np.take_along_axis(positions, order[:, :, None], 1),
        )


def strongest_activations(model: keras.Model | Deconvnet, batches: Iterable, layers: list[str], k: int = 9) -> dict[str, Strongest]:
    """Finds the images, and the places in them, that each unit of some layers answers to most.

    Zeiler & Fergus 2013, section 4 and Fig. 2: "the top 9 activations". All layers are searched in one pass; what is kept does
    not grow with the number of images.

    Args:
        model: a Keras model, or a `Deconvnet` of one, which saves compiling anew from one call to the next.
        batches: yields float image batches `(N, H, W, C)`, or pairs `(images, ids)` with `(N,)` int ids; without ids the images
            are counted from 0.
        layers: names of layers, as in `Deconvnet.layers`.
        k: how many to keep of each unit.

    Returns:
        For each layer its strongest activations.

    Raises:
        ValueError: if `k` is less than 1 or a layer is not there.

    Example:
        >>> strongest = strongest_activations(model, [images], ["conv5"])["conv5"]
        >>> deconvnet.project_patches(images[strongest.examples[7]], "conv5", 7, strongest.positions[7])
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1.")
    deconvnet = model if isinstance(model, Deconvnet) else Deconvnet(model)
    shapes = {layer: deconvnet.graph.shapes[deconvnet.graph.value_of(layer)] for layer in layers}
    found = {layer: Strongest.none(shape[-1], k, 2 if len(shape) == 3 else 0) for layer, shape in shapes.items()}
    seen = 0
    for batch in batches:
        images, ids = batch if isinstance(batch, (tuple, list)) else (batch, np.arange(seen, seen + len(batch)))
        seen += len(images)
        for layer, activations in zip(layers, deconvnet.activations(images, layers), strict=True):
            found[layer] = _with_batch(found[layer], activations, np.asarray(ids))
    return found


def _with_batch(found: Strongest, activations: tf.Tensor, ids: np.ndarray) -> Strongest:
    # Maxima alone are nearly free beside the forward pass; their places are looked up only for what enters the best k.
    spatial = activations.shape.rank == 4
    maxima = (tf.reduce_max(activations, axis=(1, 2)) if spatial else activations).numpy().T
    entering = (maxima > found.values[:, -1:]) | ((maxima == found.values[:, -1:]) & (ids < found.examples[:, -1:]))
    units, rows = np.nonzero(entering)
    if not units.size:
        return found
    positions = np.full((*maxima.shape, found.positions.shape[-1]), -1, np.int32)
    if spatial:
        maps = activations.numpy()[rows, :, :, units]
        flat = maps.reshape(len(units), -1).argmax(axis=1)
        positions[units, rows] = np.stack(np.unravel_index(flat, maps.shape[1:]), axis=1)
    batch = Strongest(np.where(entering, maxima, -np.inf).astype(np.float32), np.where(entering, ids, -1).astype(np.int64), positions)
    return found.merge(batch)
