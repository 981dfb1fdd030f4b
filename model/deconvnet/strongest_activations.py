"""The strongest activations of every feature map over any number of images."""

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches
from zfnet.model.deconvnet.strongest import Strongest


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
