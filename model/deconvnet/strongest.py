"""The strongest activations of each unit over a data set."""

import dataclasses
from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches, rows_of
from zfnet.model.html_table import html_table

# Units and ranks in the table of a notebook.
UNITS, RANKS = 12, 5


@dataclasses.dataclass(frozen=True)
class Strongest:
    """The `k` strongest activations of each unit of a layer, best first; at most one for each image.

    Attributes:
        values: float32 `(units, k)`; -inf for missing ones.
        examples: int64 `(units, k)`, ids of the images; -1 for missing ones.
        positions: int32 `(units, k, 2)`, row and column in the map, or one number for a signal and three for a volume; `(units, k, 0)` for
            a dense layer; -1 for missing ones.

    Examples:
        >>> Strongest.none(units=128, k=9, axes=2).positions.shape
        (128, 9, 2)
    """

    values: np.ndarray
    examples: np.ndarray
    positions: np.ndarray

    @classmethod
    def none(cls, units: int, k: int, axes: int) -> "Strongest":
        """No activations yet; `axes` is 2 for maps of images, 1 for those of signals, 3 for those of volumes, 0 for dense units."""
        return cls(np.full((units, k), -np.inf, np.float32), np.full((units, k), -1, np.int64), np.full((units, k, axes), -1, np.int32))

    def of(self, units: np.ndarray) -> "Strongest":
        """The strongest activations of some units."""
        return Strongest(self.values[units], self.examples[units], self.positions[units])

    def replaced(self, units: np.ndarray, other: "Strongest") -> "Strongest":
        """A copy in which some units have other strongest activations."""
        copy = Strongest(self.values.copy(), self.examples.copy(), self.positions.copy())
        copy.values[units], copy.examples[units], copy.positions[units] = other.values, other.examples, other.positions
        return copy

    def merge(self, other: "Strongest") -> "Strongest":
        """The strongest of both, in any order of merging: among equal values, the lower id comes first.

        Raises:
            ValueError: both hold the same image for a unit, by its id.
        """
        values = np.concatenate([self.values, other.values], axis=1)
        examples = np.concatenate([self.examples, other.examples], axis=1)
        positions = np.concatenate([self.positions, other.positions], axis=1)
        ids = np.sort(examples, axis=1)
        twice = ids[:, 1:][(ids[:, 1:] == ids[:, :-1]) & (ids[:, 1:] >= 0)]
        if twice.size:
            raise ValueError(f"Both hold the image with the id {twice[0]}; expected different images, under ids of their own.")
        order = np.lexsort((examples, -values), axis=1)[:, : self.values.shape[1]]
        return Strongest(
            np.take_along_axis(values, order, 1),
            np.take_along_axis(examples, order, 1),
            np.take_along_axis(positions, order[:, :, None], 1),
        )

    def _repr_html_(self) -> str:
        """A table for a notebook: the strongest activations of the first units, with image and position."""
        units, k = self.values.shape
        rows = [[unit, *(self._cell(unit, rank) for rank in range(min(k, RANKS)))] for unit in range(min(units, UNITS))]
        if units > UNITS:
            rows.append([f"and {units - UNITS} more"])
        return html_table(f"The {k} strongest activations of {units} units", ["unit", *range(1, min(k, RANKS) + 1)], rows)

    def _cell(self, unit: int, rank: int) -> str:
        if self.examples[unit, rank] < 0:
            return ""
        position = ", ".join(map(str, self.positions[unit, rank].tolist()))
        return f"{self.values[unit, rank]:.3g} (image {self.examples[unit, rank]}{f' at {position}' if position else ''})"


def strongest_activations(
    model: keras.Model | Deconvnet,
    batches: Iterable,
    layers: list[str],
    k: int = 9,
    seen: Callable[[str, np.ndarray, np.ndarray], None] | None = None,
) -> dict[str, Strongest]:
    """Finds, for each layer, the images, and the positions in them, where each unit is most active.

    Zeiler & Fergus 2013, section 4 and Fig. 2: "the top 9 activations". All layers are searched in one pass; memory use does
    not grow with the number of images.

    Args:
        model: a Keras model, or a `Deconvnet` of one, which compiles only once for several calls.
        batches: float images `(N, H, W, C)`, or for a model of several inputs a list or dict of arrays; or pairs `(images, ids)`, where ids
            are whole numbers from 0 on, none twice. Images may be of any number, and are computed in parts. For `project_strongest` they
            are read again: give a list or a data set that does not shuffle, or ids.
        layers: names of layers, as in `Deconvnet.layers`.
        k: number of activations of each unit.
        seen: for measures that share the pass, such as `AnswerCounts.seen`: called for parts of the images with the name of each layer,
            the strongest activation of each unit in each image, float32 `(n, units)`, and the images' ids `(n,)`.

    Raises:
        ValueError: if `k` is less than 1, `layers` no list, a layer does not exist, there are no images, or batches are not as
            expected: ids that are class labels, or a data set without end.

    Examples:
        >>> strongest = strongest_activations(model, [images], ["conv5"])["conv5"]
        >>> examples = strongest.examples[7, :2]  # The two images where unit 7 is most active.
        >>> patches, corners = deconvnet.project_patches(images[examples], "conv5", 7, strongest.positions[7, :2])
        >>> patches.shape
        (2, 139, 139, 3)
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1.")
    if isinstance(layers, str):
        raise ValueError(f"layers is {layers!r}; expected a list of names, such as [{layers!r}].")
    deconvnet = model if isinstance(model, Deconvnet) else Deconvnet(model)
    shapes = {layer: deconvnet.graph.shapes[deconvnet.graph.value_of(layer)] for layer in layers}
    for layer, shape in shapes.items():
        if not shape:
            raise ValueError(f"Layer {layer!r} has an output of shape {shape}; expected feature maps or dense units.")
    found = {layer: Strongest.none(deconvnet.graph.unit_count(layer), k, len(shape) - 1) for layer, shape in shapes.items()}
    count = 0
    for images, ids in image_batches(batches, len(deconvnet.graph.inputs)):
        count += len(ids)
        for start, (maxima, activations) in deconvnet.maxima(images, layers) if len(ids) else ():
            for layer, highest, maps in zip(layers, map(np.asarray, maxima), activations, strict=True):
                numbers = ids[start : start + len(highest)]
                found[layer] = _with_batch(found[layer], highest, maps, numbers)
                if seen:
                    seen(layer, highest, numbers)
    if not count:
        raise ValueError("There are no images to search; expected at least one. Is `batches` an iterator that is used up?")
    return found


def _with_batch(found: Strongest, maxima: np.ndarray, activations: tf.Tensor, ids: np.ndarray) -> Strongest:
    # Maxima alone are nearly free beside the forward pass; positions are looked up only for those among the best k.
    maxima = maxima.T
    entering = (maxima > found.values[:, -1:]) | ((maxima == found.values[:, -1:]) & (ids < found.examples[:, -1:]))
    changed = np.flatnonzero(entering.any(axis=1))
    if not changed.size:
        return found
    maxima, entering = maxima[changed], entering[changed]
    unknown = np.full((*maxima.shape, found.positions.shape[2]), -1, np.int32)
    merged = found.of(changed).merge(Strongest(np.where(entering, maxima, -np.inf), np.where(entering, ids, -1), unknown))
    if unknown.shape[2]:
        places, ranks = np.nonzero((merged.positions[:, :, 0] < 0) & (merged.examples >= 0))
        rows = rows_of(ids, merged.examples[places, ranks])
        # Not `numpy()`, which copies all of it.
        maps = np.asarray(activations)[rows, ..., changed[places]]
        flat = maps.reshape(len(rows), -1).argmax(axis=1)
        merged.positions[places, ranks] = np.stack(np.unravel_index(flat, maps.shape[1:]), axis=1)
    return found.replaced(changed, merged)
