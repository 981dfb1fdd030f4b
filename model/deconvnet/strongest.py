"""The strongest activations of each unit over a data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

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

    def of(self, units: np.ndarray) -> Strongest:
        """The strongest activations of some units."""
        return Strongest(self.values[units], self.examples[units], self.positions[units])

    def replaced(self, units: np.ndarray, other: Strongest) -> Strongest:
        """A copy in which some units have other strongest activations."""
        copy = Strongest(self.values.copy(), self.examples.copy(), self.positions.copy())
        copy.values[units], copy.examples[units], copy.positions[units] = other.values, other.examples, other.positions
        return copy

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


def image_batches(batches: Iterable) -> Iterator[tuple]:
    """Gives every image an id.

    Args:
        batches: yields image batches `(N, ...)`, or pairs `(images, ids)` with `(N,)` ids; without ids the images are counted from 0.

    Yields:
        Pairs of images, as they came, and int64 ids.

    Raises:
        ValueError: if ids are not whole numbers from 0 on, one for each image and different within the batch.
    """
    seen = 0
    for batch in batches:
        images, ids = batch if isinstance(batch, tuple) else (batch, np.arange(seen, seen + len(batch)))
        seen += len(images)
        ids = np.asarray(ids)
        right = ids.shape == (len(images),) and np.issubdtype(ids.dtype, np.integer)
        if not right or (ids < 0).any() or len(np.unique(ids)) < len(ids):
            raise ValueError(
                f"A batch of {len(images)} images came with ids of shape {ids.shape} and type {ids.dtype}: {ids.ravel()[:5]}... Expected "
                "one whole number from 0 on for each image, all different. Of a data set of images and labels, yield the images alone."
            )
        yield images, ids.astype(np.int64)


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
        ValueError: if `k` is less than 1, `layers` no list, a layer not there, or ids are not ids (class labels, say).

    Examples:
        >>> strongest = strongest_activations(model, [images], ["conv5"])["conv5"]
        >>> deconvnet.project_patches(images[strongest.examples[7]], "conv5", 7, strongest.positions[7])
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1.")
    if isinstance(layers, str):
        raise ValueError(f"layers is {layers!r}; expected a list of names, such as [{layers!r}].")
    deconvnet = model if isinstance(model, Deconvnet) else Deconvnet(model)
    shapes = {layer: deconvnet.graph.shapes[deconvnet.graph.value_of(layer)] for layer in layers}
    for layer, shape in shapes.items():
        if len(shape) not in (1, 3):
            raise ValueError(f"Layer {layer!r} has an output of shape {shape}; expected feature maps or dense units.")
    found = {layer: Strongest.none(deconvnet.graph.unit_count(layer), k, 2 if len(shape) == 3 else 0) for layer, shape in shapes.items()}
    for images, ids in image_batches(batches):
        if not len(ids):
            continue
        for start, (maxima, activations) in deconvnet.maxima(images, layers):
            for layer, highest, maps in zip(layers, maxima, activations, strict=True):
                found[layer] = _with_batch(found[layer], np.asarray(highest), maps, ids[start : start + len(highest)])
    return found


def _with_batch(found: Strongest, maxima: np.ndarray, activations: tf.Tensor, ids: np.ndarray) -> Strongest:
    # Maxima alone are nearly free beside the forward pass; their places are looked up only for what enters the best k.
    count = len(ids)
    maxima = maxima[:count].T
    entering = (maxima > found.values[:, -1:]) | ((maxima == found.values[:, -1:]) & (ids < found.examples[:, -1:]))
    changed = np.flatnonzero(entering.any(axis=1))
    if not changed.size:
        return found
    kept, maxima, entering = found.of(changed), maxima[changed], entering[changed]
    nowhere = np.full((*maxima.shape, found.positions.shape[2]), -1, np.int32)
    merged = kept.merge(Strongest(np.where(entering, maxima, -np.inf), np.where(entering, ids, -1), nowhere))
    if nowhere.shape[2]:
        places, ranks = np.nonzero((merged.positions[:, :, 0] < 0) & (merged.examples >= 0))
        order = np.argsort(ids)
        rows = order[np.searchsorted(ids, merged.examples[places, ranks], sorter=order)]
        # Not `numpy()`, which copies all of it.
        maps = np.asarray(activations)[rows, :, :, changed[places]]
        flat = maps.reshape(len(rows), -1).argmax(axis=1)
        merged.positions[places, ranks] = np.stack(np.unravel_index(flat, maps.shape[1:]), axis=1)
    return found.replaced(changed, merged)
