"""Projections of what a search found: the second pass over the images of a gallery."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.frame import move_inside
from zfnet.model.deconvnet.receptive_field import sees_all
from zfnet.model.deconvnet.recording import to_model_layout
from zfnet.model.deconvnet.strongest import Strongest, image_batches
from zfnet.model.deconvnet.targets import Targets

# Images recorded together.
TOGETHER = 16


class ProjectedStrongest(NamedTuple):
    """Some strongest activations of one layer, projected.

    Attributes:
        layer: its name.
        units: `(M,)` ints, the units.
        ranks: `(M,)` ints, which of the unit's strongest activations, 0 the strongest.
        projections: float32 `(M, h, w, C)`, signed pixel values.
        patches: `(M, h, w, C)`, the same windows of the images.
        corners: `(M, 2)` ints, row and column of each window's corner in its image; no window leaves it.
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
    """Projects the strongest activations of every unit to the windows of the images that they see.

    Zeiler & Fergus 2013, section 4 and Fig. 2. Each image that is needed runs once through the net, no further than its switches
    need, for all layers and units that it is among the strongest of; what is held does not grow with the number of images.

    Args:
        deconvnet: of the model.
        batches: the images that were searched, as `strongest_activations` takes them.
        strongest: what it found.
        chosen: for each layer units `(M,)` and ranks `(M,)`; `None` projects everything that was found.

    Yields:
        Projections, as they come: not in the order of units. A window has the size of the receptive field, at most that of the image; it
        is the whole image where units have no single field. A field that leaves the image is shown by the nearest window that does not;
        the projection is 0 where that window shows more than the unit sees.

    Examples:
        >>> strongest = strongest_activations(deconvnet, [images], ["conv5"])
        >>> for part in project_strongest(deconvnet, [images], strongest):
        ...     print(part.layer, part.units, part.ranks, part.projections.shape)
    """
    if chosen is None:
        chosen = {layer: np.nonzero(found.examples >= 0) for layer, found in strongest.items()}
    wanted = [strongest[layer].examples[places] for layer, places in chosen.items()]
    wanted = np.unique(np.concatenate(wanted)) if wanted else np.zeros(0, int)
    for images, ids in image_batches(batches):
        images = np.asarray(images)
        needed = np.flatnonzero(np.isin(ids, wanted))
        for start in range(0, len(needed), TOGETHER):
            rows = needed[start : start + TOGETHER]
            yield from _project_images(deconvnet, images[rows], ids[rows], strongest, chosen)


def _project_images(deconvnet, images, ids, strongest, chosen):
    recording = deconvnet.record_switches(images, list(chosen))
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
        if sees_all(graph, graph.value_of(layer), recording.shapes):
            projections, patches, corners = recording.images_of(layer, targets), images[rows], np.zeros((len(rows), 2), int)
        else:
            windows, corners = recording.windows_of(layer, targets)
            windows = np.moveaxis(windows, 1, 3) if graph.channels_first else windows
            windows, corners = move_inside(windows, corners, channels_last.shape[1:3])
            height, width = windows.shape[1:3]
            cut = [channels_last[row, top : top + height, left : left + width] for row, (top, left) in zip(rows, corners, strict=True)]
            projections, patches = (to_model_layout(maps, graph) for maps in (windows, np.stack(cut)))
        yield ProjectedStrongest(layer, units, ranks, projections, patches, corners)
