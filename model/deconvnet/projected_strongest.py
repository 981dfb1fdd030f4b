"""Projections of the strongest activations of each unit, in a second pass over the data set."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from zfnet.model.ahead import map_ahead
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches, rows_of
from zfnet.model.deconvnet.model_inputs import InputForm
from zfnet.model.deconvnet.receptive_field import cut_window, move_inside, sees_all
from zfnet.model.deconvnet.recorded_batch import to_model_layout
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.deconvnet.targets import Targets

# Fewest and most images in one batch, which their memory decides, and batches that are projected side by side.
FEWEST, MOST, THREADS = 8, 32, 2
# Share of the largest activation by which any may differ when it is computed again, among other images; and in half precision, in which
# layers that are made of other layers still compute.
ROUNDING, HALF_ROUNDING = 1e-4, 3e-3


class ProjectedStrongest(NamedTuple):
    """Some strongest activations of one layer, projected.

    Attributes:
        layer: its name.
        units: `(M,)` ints, the units.
        ranks: `(M,)` ints, place among the unit's strongest activations, 0 for the strongest.
        projections: float32 `(M, h, w, C)`, signed pixel values. For a model of several inputs this and the next two are lists or dicts of
            arrays, in the form of the images.
        patches: `(M, h, w, C)`, the same windows of the images.
        corners: `(M, 2)` ints, row and column of each window's corner in its image; no window leaves it.

    Examples:
        >>> strongest = zfnet.strongest_activations(deconvnet, [images], ["conv5"], k=1)
        >>> next(project_strongest(deconvnet, [images], strongest, {"conv5": (np.array([3]), np.array([0]))})).projections.shape
        (1, 96, 96, 3)
    """

    layer: str
    units: np.ndarray
    ranks: np.ndarray
    projections: Any
    patches: Any
    corners: Any


def project_strongest(
    deconvnet: Deconvnet, batches: Iterable, strongest: dict[str, Strongest], chosen: dict[str, tuple[np.ndarray, np.ndarray]] | None = None
) -> Iterator[ProjectedStrongest]:
    """Projects the strongest activations of every unit to their receptive fields.

    Zeiler & Fergus 2013, section 4 and Fig. 2. Each image that is needed runs once through the net, up to the highest of the layers, for
    all layers and units that it belongs to; memory use does not grow with the number of images.

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
        ValueError: images did not come again, or an activation is not the one that was found; batches are not as
            `strongest_activations` takes them.

    Examples:
        >>> strongest = zfnet.strongest_activations(deconvnet, [images], ["conv5"], k=1)
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

    def needed_images() -> Iterator[tuple[InputForm, list[np.ndarray], np.ndarray]]:
        nonlocal count, came
        for images, ids in image_batches(batches, len(deconvnet.graph.inputs)) if len(wanted) else ():
            form = InputForm.of(deconvnet.model, images)
            parts = [np.asarray(part) for part in form.split(images)]
            needed = np.flatnonzero(np.isin(ids, wanted))
            count, came = count + len(ids), came + len(needed)
            fitting = deconvnet.images_together(form.join([part[:1] for part in parts]), list(chosen)) if len(needed) else 1
            together = max(FEWEST, min(MOST, fitting))
            for start in range(0, len(needed), together):
                rows = needed[start : start + together]
                yield form, [part[rows] for part in parts], ids[rows]

    def project(given: tuple[InputForm, list[np.ndarray], np.ndarray]) -> list[ProjectedStrongest]:
        form, inputs, numbers = given
        return list(_project_images(deconvnet, form, inputs, numbers, strongest, chosen))

    # Some steps keep a single core busy: batches side by side use the others. Each then has one thread.
    with ThreadPoolExecutor(THREADS) as pool:
        for parts in map_ahead(pool, project, needed_images(), most=1):
            yield from parts
    if came < len(wanted):
        raise ValueError(missing_images(len(wanted) - came, len(wanted), count))


def missing_images(missing: int, wanted: int, count: int) -> str:
    """The message for images that did not come again."""
    return (
        f"{missing} of {wanted} images to project did not come: `batches` yielded {count} images. Expected those that were searched: a "
        "list or a data set that can be read again, not an iterator that is used up."
    )


def _check_strengths(deconvnet, layer, targets, activations, ids):
    """Fails if the activations at the places of targets are not those that were found, within rounding."""
    positions = np.minimum(targets.positions, np.array(activations.shape[1:-1], int) - 1)
    strengths = activations[(targets.examples, *positions.T, targets.units)]
    kinds = {getattr(each, "compute_dtype", "") for each in deconvnet.model._flatten_layers()}
    rounding = HALF_ROUNDING if kinds & {"float16", "bfloat16"} else ROUNDING
    same = np.isclose(strengths, targets.strengths, rtol=10 * rounding, atol=0, equal_nan=True)
    if not same.all():
        # Only now: in the large maps of a lower layer, to find it takes as long as many projections.
        largest = np.abs(activations).max(where=np.isfinite(activations), initial=0)
        same = np.isclose(strengths, targets.strengths, rtol=10 * rounding, atol=rounding * largest, equal_nan=True)
    same &= (positions == targets.positions).all(axis=1)
    # What is no number can't be compared; its projection is refused as not finite.
    same |= np.isnan(strengths)
    if not same.all():
        row = int(np.argmin(same))
        raise ValueError(
            f"Unit {targets.units[row]} of layer {layer!r} has the activation {strengths[row]:.6g} in image {ids[targets.examples[row]]}, "
            f"where the search found {targets.strengths[row]:.6g}: `batches` yields other images than before (are they shuffled, or "
            "changed at random?), or the model's weights have changed. Expected the same images, in the same order or under the same ids."
        )


def _project_images(deconvnet, form, inputs, ids, strongest, chosen):
    batch = deconvnet.record_batch(form.join(inputs), list(chosen))
    graph = deconvnet.graph
    for layer, (units, ranks) in chosen.items():
        examples = strongest[layer].examples[units, ranks]
        here = np.flatnonzero(np.isin(examples, ids))
        if not here.size:
            continue
        units, ranks = units[here], ranks[here]
        rows = rows_of(ids, examples[here])
        found = strongest[layer].of(units)
        picked = np.arange(len(units)), ranks
        targets = Targets(rows.astype(np.int32), units.astype(np.int32), found.positions[picked], found.values[picked])
        _check_strengths(deconvnet, layer, targets, np.asarray(batch.activations(layer)), ids)
        all_of = [sees_all(graph, graph.value_of(layer), batch.shapes, source) for source in graph.inputs]
        whole = (
            [(images, None) for images in batch.images_of(layer, targets, threads=1)]
            if all(all_of)
            else batch.windows_of(layer, targets, threads=1)
        )
        found = [_in_image(graph, source, images, rows, *each) for source, (images, each) in enumerate(zip(inputs, whole, strict=True))]
        yield ProjectedStrongest(layer, units, ranks, *(form.join(each) for each in zip(*found, strict=True)))


def _in_image(graph, source, images, rows, windows, corners):
    """Windows moved into their images, the same windows of the images, and their corners, for one input; whole images without corners.

    `rows` are the images of the windows.
    """
    if corners is None:
        return windows, images[rows], np.zeros((len(rows), graph.dims[source]), int)
    if graph.is_channels_first(source):
        images, windows = (np.moveaxis(each, 1, -1) for each in (images, windows))
    after = graph.dims[source] + 1
    windows, corners = move_inside(windows, corners, images.shape[1:after])
    size = windows.shape[1:after]
    # Without a copy of each whole image, which takes longer than to cut a window of some pixels.
    patches = np.stack([cut_window(images[row], corner, size) for row, corner in zip(rows, corners, strict=True)])
    return to_model_layout(windows, graph, source), to_model_layout(patches, graph, source), corners
