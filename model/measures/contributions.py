"""Contributions of units to the answer of a network: the images in which a unit matters most."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.image_batches import image_batches
from zfnet.model.deconvnet.passes import Inputs, Passes
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.class_probabilities import class_layer
from zfnet.model.measures.outputs import check_finite


class Contributions(NamedTuple):
    """The `k` images in which each unit of a layer contributes most to the logit of the predicted class, largest contribution first.

    Attributes:
        contributions: float32 `(units, k)`, greater than 0; -inf for missing ones.
        strongest: the images and, in each, the position with the largest contribution; its values are the activations there, as
            `project_strongest` takes them.
        predicted: int64 `(units, k)`, the class with the largest logit; -1 for missing ones.
    """

    contributions: np.ndarray
    strongest: Strongest
    predicted: np.ndarray


def strongest_contributions(
    model: keras.Model | Deconvnet, batches: Iterable, layers: Sequence[str], k: int = 9
) -> dict[str, Contributions]:
    """Finds, for each layer, the images in which each unit matters most for the answer, in one pass.

    The contribution of a unit is its activation times the gradient of the predicted class' logit, summed over the positions of its map.
    The images in which a unit is strongest need not be those in which it is used: Achtibat et al., From attribution maps to
    human-understandable explanations through Concept Relevance Propagation, 2023, whose relevance is computed by another rule. Memory use
    does not grow with the number of images.

    Args:
        model: as in `strongest_activations`; it has classes.
        batches: as in `strongest_activations`.
        layers: names of layers.
        k: number of images for each unit. Images in which a unit does not raise the logit do not count, so there may be fewer.

    Raises:
        ValueError: the model has no classes, activations are not numbers; otherwise as `strongest_activations`.

    Examples:
        >>> found = strongest_contributions(model, [images], ["conv5"], k=2)["conv5"]
        >>> found.contributions.shape, found.strongest.positions.shape
        ((128, 2), (128, 2, 2))
    """
    deconvnet = model if isinstance(model, Deconvnet) else Deconvnet(model)
    graph, head = deconvnet.graph, class_layer(deconvnet)
    if head is None:
        raise ValueError(
            f"The model {deconvnet.model.name!r} has no classes to which units could contribute: expected one output from a softmax, a "
            "sigmoid or a dense layer."
        )
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1.")
    names, logits = list(layers), graph.value_of(head)
    values = [graph.value_of(name) for name in names]
    # The gradient needs every value between the images and the logits.
    held = [operation.output for operation in graph.needed_for(*values, logits)]

    def contributions(passes: Passes, images: Inputs, wanted: tuple[int, ...]) -> list[Any]:
        with tf.GradientTape() as tape:
            for each in images:
                tape.watch(each)
            *found, scores = passes.traced_forward(images, (*wanted, logits))
            # One number is the logit of class 1, and its negative that of class 0.
            scores = tf.concat([-scores, scores], axis=1) if scores.shape[1] == 1 else scores
            total = tf.reduce_sum(tf.reduce_max(scores, axis=1))
        gradients = tape.gradient(total, found, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [tf.argmax(scores, axis=1), [_of_layer(*each) for each in zip(found, gradients, strict=True)]]

    kept = {name: [np.full((graph.unit_count(name), k), fill) for fill in (-np.inf, -1, 0.0, -1)] for name in names}
    count = 0
    for images, ids in image_batches(batches, len(graph.inputs)):
        count += len(ids)
        for start, (predicted, found) in deconvnet.computed(images, names, contributions, held) if len(ids) else ():
            numbers = ids[start : start + len(predicted)]
            for name, (sums, places, activations, shape) in zip(names, found, strict=True):
                check_finite(name, np.asarray(sums))
                size = tuple(np.asarray(shape)[0].tolist())  # Of this batch: images of another one may be larger.
                positions = np.unravel_index(np.asarray(places).T, size) if size else []
                new = [np.asarray(each).T for each in (sums, activations)]
                rows = [np.broadcast_to(each, new[0].shape) for each in (numbers, np.asarray(predicted))]
                kept[name] += [np.zeros_like(kept[name][1]) for _ in positions] if len(kept[name]) == 4 else []
                kept[name] = _largest(kept[name], [new[0], rows[0], new[1], rows[1], *positions], k)
    if not count:
        raise ValueError("There are no images to measure contributions over; expected at least one.")
    return {name: _contributions(kept[name]) for name in names}


def _of_layer(values: tf.Tensor, gradients: tf.Tensor) -> list[tf.Tensor]:
    """Sum of the products over positions, place of the largest one and activation there, `(n, units)` each; and the size of the map."""
    shape, units = tf.shape(values), values.shape[-1]
    places = (shape[0], math.prod(values.shape[1:-1]) if None not in values.shape[1:-1] else -1, units)
    flat, products = tf.reshape(values, places), tf.reshape(values * gradients, places)
    largest = tf.argmax(products, axis=1)
    activations = tf.gather(tf.transpose(flat, (0, 2, 1)), largest[..., None], batch_dims=2)[..., 0]
    return [tf.reduce_sum(products, axis=1), largest, activations, tf.tile(shape[None, 1:-1], (shape[0], 1))]


def _largest(kept: list[np.ndarray], new: list[np.ndarray], k: int) -> list[np.ndarray]:
    joined = [np.concatenate(pair, axis=1) for pair in zip(kept, new, strict=True)]
    order = np.lexsort((joined[1], -joined[0]), axis=1)[:, :k]  # Among equals the lower id comes first.
    return [np.take_along_axis(each, order, axis=1) for each in joined]


def _contributions(kept: list[np.ndarray]) -> Contributions:
    sums, ids, activations, predicted, *axes = kept
    is_none = ~(sums > 0)
    positions = np.stack(axes, axis=-1) if axes else np.zeros((*sums.shape, 0))
    positions = np.where(is_none[..., None], -1, positions).astype(np.int32)
    values = np.where(is_none, -np.inf, activations).astype(np.float32)
    strongest = Strongest(values, np.where(is_none, -1, ids).astype(np.int64), positions)
    return Contributions(np.where(is_none, -np.inf, sums).astype(np.float32), strongest, np.where(is_none, -1, predicted).astype(np.int64))
