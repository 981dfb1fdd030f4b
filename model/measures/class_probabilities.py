"""The classes of a model: the layer that tells them, their number, and their probabilities."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.rules.activation import is_linear
from zfnet.model.deconvnet.rules.unchanged import keeps_numbers

# Largest difference from 1 of a sum of probabilities, wide enough for half precision.
TOLERANCE = 1e-2


class _Head(NamedTuple):
    """One output of a model, a vector of `units`: the layer below it, and its softmax or sigmoid, None for logits."""

    layer: str
    units: int
    readout: Callable[[tf.Tensor], tf.Tensor] | None
    is_softmax: bool = False


def class_layer(deconvnet: Deconvnet) -> str | None:
    """Name of the layer whose activations `class_probabilities` takes; None if the model has no classes.

    A model has classes if it ends in two numbers or more from a softmax, a sigmoid or a dense layer, or in one number from a sigmoid.
    Pooled maps are features. Of several outputs (classes and boxes, say) it is the one that ends in a softmax, or else the one that ends
    in a sigmoid; None if several do.
    """
    head = _class_head(deconvnet.graph)
    return head.layer if head else None


def class_count(deconvnet: Deconvnet) -> int:
    """Number of a model's classes, 0 if it has none; one sigmoid tells two classes apart."""
    head = _class_head(deconvnet.graph)
    return 0 if head is None else max(head.units, 2)


def class_probabilities(deconvnet: Deconvnet, activations: ArrayLike) -> np.ndarray:
    """Probabilities, float64 `(N, classes)`, from the activations of `class_layer`, `(N, units)`; for a softmax layer, its logits.

    A softmax or sigmoid at the end is applied; other outputs that are not probabilities already count as logits, for a softmax. One
    sigmoid s is the probability of class 1, as Keras counts binary labels; that of class 0 is 1 - s.

    Raises:
        ValueError: the model has no classes.

    Examples:
        >>> (values,) = deconvnet.activations(images, [class_layer(deconvnet)])
        >>> class_probabilities(deconvnet, values).sum(axis=1).round(3)
        array([1., 1., 1., 1.])
    """
    head = _class_head(deconvnet.graph)
    if head is None:
        raise ValueError(
            f"The model {deconvnet.model.name!r} has no classes: expected one output from a softmax, a sigmoid or a dense layer."
        )
    values = tf.cast(activations, tf.float64)
    if head.readout is not None:
        found = np.asarray(tf.cast(head.readout(values), tf.float64))
        return np.concatenate([1 - found, found], axis=1) if head.units == 1 else found
    if tf.reduce_min(values) >= 0 and np.all(abs(tf.reduce_sum(values, axis=1) - 1) < TOLERANCE):
        return np.asarray(values)
    return np.asarray(tf.nn.softmax(values))


def _class_head(graph: Graph) -> _Head | None:
    results = set(graph.results)
    heads = [head for value in results if (head := _head(graph, value))]
    if len(results) == 1:
        return heads[0] if heads else None
    softmaxes = [head for head in heads if head.is_softmax]
    likeliest = softmaxes or [head for head in heads if head.readout]
    return likeliest[0] if len(likeliest) == 1 else None


def _head(graph: Graph, value: int) -> _Head | None:
    """The classes that one output may tell."""
    if len(graph.shapes[value]) != 1 or graph.shapes[value][0] is None or value not in graph.outputs.values():
        return None
    units, name = int(graph.shapes[value][0] or 0), _name(graph, value)
    if name in graph.readouts:
        operation = graph.readouts[name]
        shape = graph.shapes[operation.output]

        def readout(logits: tf.Tensor) -> tf.Tensor:
            # Flattened, they may have lost the axes of a map of one position.
            shaped = tf.reshape(logits, (-1, *(size or 1 for size in shape)))
            return tf.reshape(operation.rule.function(shaped), tf.shape(logits))

        # In a flattened map of softmaxes, no number is that of a class; a softmax of one number is always 1.
        is_softmax = _is_softmax(operation.rule.function, len(shape))
        has_classes = shape[-1] == units and not (units == 1 and is_softmax)
        return _Head(name, units, readout, is_softmax) if has_classes else None
    producers = {operation.output: operation for operation in graph.operations}
    last = producers.get(value)
    while last is not None and keeps_numbers(last.layer):
        last = producers.get(last.inputs[0])
    # The outputs of a dense layer with another activation are features.
    is_dense = last is not None and isinstance(last.layer, keras.layers.Dense) and is_linear(last.layer)
    return _Head(name, units, None) if is_dense and units > 1 else None


def _name(graph: Graph, value: int) -> str:
    """Name of the last layer that means a value; one with a softmax or sigmoid between them comes before others."""
    return max((name in graph.readouts, number, name) for number, (name, meant) in enumerate(graph.outputs.items()) if meant == value)[-1]


def _is_softmax(function: Callable[[tf.Tensor], tf.Tensor], axes: int) -> bool:
    """Whether numbers along the last of so many axes sum to 1 after it, unlike after a sigmoid."""
    return abs(float(tf.reduce_sum(function(tf.ones((1,) * axes + (2,))))) - 1) < TOLERANCE
