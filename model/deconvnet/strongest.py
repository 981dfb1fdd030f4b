"""The strongest activations of each unit over a data set, and their projections."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches
from zfnet.model.deconvnet.receptive_field import move_inside, sees_all
from zfnet.model.deconvnet.recorded_batch import to_model_layout
from zfnet.model.deconvnet.targets import Targets


@dataclasses.dataclass(frozen=True)
class Strongest:
    """The `k` strongest activations of each unit of a layer, best first; at most one for each image.

    Attributes:
        values: float32 `(units, k)`; -inf for missing ones.
        examples: int64 `(units, k)`, ids of the images; -1 for missing ones.
        positions: int32 `(units, k, 2)`, row and column in the map; `(units, k, 0)` for a dense layer; -1 for missing ones.

    Examples:
        >>> Strongest.none(units=128, k=9, axes=2).positions.shape
        (128, 9, 2)
    """

    values: np.ndarray
    examples: np.ndarray
    positions: np.ndarray

    @classmethod
    def none(cls, units: int, k: int, axes: int) -> "Strongest":
        """No activations yet; `axes` is 2 for feature maps, 0 for dense units."""
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


def strongest_activations(model: keras.Model | Deconvnet, batches: Iterable, layers: list[str], k: int = 9) -> dict[str, Strongest]:
    """Finds, for each layer, the images, and the positions in them, where each unit is most active.

    Zeiler & Fergus 2013, section 4 and Fig. 2: "the top 9 activations". All layers are searched in one pass; memory use does
    not grow with the number of images.

    Args:
        model: a Keras model, or a `Deconvnet` of one, which compiles only once for several calls.
        batches: float images `(N, H, W, C)`, or pairs `(images, ids)`, as in `image_batches`; of any number, computed in parts.
            For `project_strongest` they are read again: give a list or a data set that does not shuffle, or ids.
        layers: names of layers, as in `Deconvnet.layers`.
        k: number of activations of each unit.

    Raises:
        ValueError: if `k` is less than 1, `layers` no list, a layer does not exist, there are no images, or batches are not as in
            `image_batches`: ids that are class labels, or a data set without end.

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
        if len(shape) not in (1, 3):
            raise ValueError(f"Layer {layer!r} has an output of shape {shape}; expected feature maps or dense units.")
    found = {layer: Strongest.none(deconvnet.graph.unit_count(layer), k, 2 if len(shape) == 3 else 0) for layer, shape in shapes.items()}
    count = 0
    for images, ids in image_batches(batches):
        count += len(ids)
        for start, (maxima, activations) in deconvnet.maxima(images, layers) if len(ids) else ():
            for layer, highest, maps in zip(layers, maxima, activations, strict=True):
                found[layer] = _with_batch(found[layer], np.asarray(highest), maps, ids[start : start + len(highest)])
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
        order = np.argsort(ids)
        rows = order[np.searchsorted(ids, merged.examples[places, ranks], sorter=order)]
        # Not `numpy()`, which copies all of it.
        maps = np.asarray(activations)[rows, :, :, changed[places]]
        flat = maps.reshape(len(rows), -1).argmax(axis=1)
        merged.positions[places, ranks] = np.stack(np.unravel_index(flat, maps.shape[1:]), axis=1)
    return found.replaced(changed, merged)


# Images in one batch.
TOGETHER = 16
# Share of the largest activation by which any may differ when it is computed again, among other images; and in half precision.
ROUNDING, HALF_ROUNDING = 1e-4, 3e-3


class ProjectedStrongest(NamedTuple):
    """Some strongest activations of one layer, projected.

    Attributes:
        layer: its name.
        units: `(M,)` ints, the units.
        ranks: `(M,)` ints, place among the unit's strongest activations, 0 for the strongest.
        projections: float32 `(M, h, w, C)`, signed pixel values.
        patches: `(M, h, w, C)`, the same windows of the images.
        corners: `(M, 2)` ints, row and column of each window's corner in its image; no window leaves it.

    Examples:
        >>> strongest = strongest_activations(deconvnet, [images], ["conv5"], k=1)
        >>> next(project_strongest(deconvnet, [images], strongest, {"conv5": (np.array([3]), np.array([0]))})).projections.shape
        (1, 96, 96, 3)
    """

    layer: str
    units: np.ndarray
    ranks: np.ndarray
    projections: np.ndarray
    patches: np.ndarray
    corners: np.ndarray


def project_strongest(
    deconvnet: Deconvnet, batches: Iterable, strongest: dict[str, Strongest], chosen: dict[str, tuple[np.ndarray, np.ndarray]] | None = None
) -> Iterator[ProjectedStrongest]:
    """Projects the strongest activations of every unit to their receptive fields.

    Zeiler & Fergus 2013, section 4 and Fig. 2. Each image that is needed runs once through the net, no further than its switches
    need, for all layers and units that it belongs to; memory use does not grow with the number of images.

    Args:
        deconvnet: of the model.
        batches: the images that were searched, as `strongest_activations` takes them: the same list again, or a data set that yields the
            same images in the same order or under the same ids. No generator, no shuffling, no random changes of images.
        strongest: result of that search.
        chosen: for each layer units `(M,)` and ranks `(M,)`; `None` projects everything that was found.

    Yields:
        Projections, as they come: not in the order of units. A window has the size of the receptive field, at most that of the image; it
        is the whole image for units without a single field. A field that leaves the image is moved into it, as little as possible;
        the projection is 0 outside of the field.

    Raises:
        ValueError: images did not come again, or an activation is not the one that was found; batches are not as in `image_batches`.

    Examples:
        >>> strongest = strongest_activations(deconvnet, [images], ["conv5"], k=1)
        >>> parts = list(project_strongest(deconvnet, [images], strongest, {"conv5": (np.array([3, 5]), np.array([0, 0]))}))
        >>> sorted(int(unit) for part in parts for unit in part.units)
        [3, 5]
    """
    if chosen is None:
        chosen = {layer: np.nonzero(found.examples >= 0) for layer, found in strongest.items()}
    wanted = [strongest[layer].examples[places] for layer, places in chosen.items()]
    wanted = np.unique(np.concatenate(wanted)) if wanted else np.zeros(0, int)
    if (wanted < 0).any():
        raise ValueError("Some of the `chosen` activations were not found: the search was over fewer images than there are ranks.")
    count, came = 0, 0
    for images, ids in image_batches(batches) if len(wanted) else ():
        images = np.asarray(images)
        needed = np.flatnonzero(np.isin(ids, wanted))
        count, came = count + len(ids), came + len(needed)
        for start in range(0, len(needed), TOGETHER):
            rows = needed[start : start + TOGETHER]
            yield from _project_images(deconvnet, images[rows], ids[rows], strongest, chosen)
    if came < len(wanted):
        raise ValueError(
            f"{len(wanted) - came} of {len(wanted)} images to project did not come: `batches` yielded {count} images. Expected those that "
            "were searched: a list or a data set that can be read again, not an iterator that is used up."
        )


def _check_strengths(deconvnet, layer, targets, activations, ids):
    """Fails if the activations at the places of targets are not those that were found, within rounding."""
    positions = np.minimum(targets.positions, np.array(activations.shape[1:-1], int) - 1)
    strengths = activations[(targets.examples, *positions.T, targets.units)]
    largest = np.abs(activations).max(where=np.isfinite(activations), initial=0)
    kinds = {getattr(each, "compute_dtype", "") for each in deconvnet.model._flatten_layers()}
    rounding = HALF_ROUNDING if kinds & {"float16", "bfloat16"} else ROUNDING
    same = np.isclose(strengths, targets.strengths, rtol=10 * rounding, atol=rounding * largest, equal_nan=True)
    same &= (positions == targets.positions).all(axis=1)
    if not same.all():
        row = int(np.argmin(same))
        raise ValueError(
            f"Unit {targets.units[row]} of layer {layer!r} has the activation {strengths[row]:.6g} in image {ids[targets.examples[row]]}, "
            f"where the search found {targets.strengths[row]:.6g}: `batches` yields other images than before (are they shuffled, or "
            "changed at random?), or the model's weights have changed. Expected the same images, in the same order or under the same ids."
        )


def _project_images(deconvnet, images, ids, strongest, chosen):
    batch = deconvnet.record_batch(images, list(chosen))
    graph = deconvnet.graph
    channels_last = np.moveaxis(images, 1, 3) if graph.channels_first else images
    for layer, (units, ranks) in chosen.items():
        examples = strongest[layer].examples[units, ranks]
        here = np.flatnonzero(np.isin(examples, ids))
        if not here.size:
            continue
        units, ranks = units[here], ranks[here]
        order = np.argsort(ids)
        rows = order[np.searchsorted(ids, examples[here], sorter=order)]
        found = strongest[layer].of(units)
        picked = np.arange(len(units)), ranks
        targets = Targets(rows.astype(np.int32), units.astype(np.int32), found.positions[picked], found.values[picked])
        _check_strengths(deconvnet, layer, targets, np.asarray(batch.activations(layer)), ids)
        if sees_all(graph, graph.value_of(layer), batch.shapes):
            projections, patches, corners = batch.images_of(layer, targets), images[rows], np.zeros((len(rows), 2), int)
        else:
            windows, corners = batch.windows_of(layer, targets)
            windows = np.moveaxis(windows, 1, 3) if graph.channels_first else windows
            windows, corners = move_inside(windows, corners, channels_last.shape[1:3])
            height, width = windows.shape[1:3]
            cut = [channels_last[row, top : top + height, left : left + width] for row, (top, left) in zip(rows, corners, strict=True)]
            projections, patches = (to_model_layout(maps, graph) for maps in (windows, np.stack(cut)))
        yield ProjectedStrongest(layer, units, ranks, projections, patches, corners)
