"""A model's outputs as features, probabilities and classes; weights that are no numbers."""

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.rules.rule import Readout

# How far the sum over classes may be from 1, so that half precision passes too.
TOLERANCE = 1e-2
# Layers that may stand between the numbers and the output.
CHANGE_NOTHING = (keras.layers.Dropout, keras.layers.Flatten, keras.layers.Reshape, keras.layers.Activation)


def flat_features(deconvnet: Deconvnet, images: np.ndarray, layers: list[str], batch_size: int = 64) -> dict[str, np.ndarray]:
    """Takes the activations of layers, each image's as one vector.

    Args:
        deconvnet: of the model.
        images: `(N, ...)`, values and layout as the model takes them.
        layers: names out of `deconvnet.layers`.
        batch_size: images that go through the net together.

    Returns:
        For each layer `(N, D)`.

    Raises:
        ValueError: a layer is not there, or has activations that are not numbers.

    Examples:
        >>> flat_features(deconvnet, images, ["pool5"])["pool5"].shape  # images: (8, 224, 224, 3)
        (8, 9216)
    """
    parts = [deconvnet.activations(images[start : start + batch_size], layers) for start in range(0, len(images), batch_size)]
    features = {}
    for layer, values in zip(layers, zip(*parts, strict=True), strict=True):
        features[layer] = np.concatenate([np.asarray(value).reshape(len(value), -1) for value in values])
        if not np.isfinite(features[layer]).all():
            raise ValueError(
                f"Layer {layer!r} has activations that are not numbers (NaN): are the model's weights, or the preprocessing, right?"
            )
    return features


def check_finite_weights(graph: Graph, layers: Iterable[str]) -> None:
    """Fails if weights below some layers are not finite numbers.

    Activations don't tell: a ReLU may make 0 of what is no number, and a map look dead.

    Args:
        graph: of the model.
        layers: names of layers.

    Raises:
        ValueError: the message names the first layer with such weights.
    """
    for operation in graph.needed_for(*map(graph.value_of, layers)):
        weights = getattr(operation.layer, "weights", ())  # An operation such as `x / 255` is no layer.
        if not all(np.isfinite(np.asarray(weight, np.float32)).all() for weight in weights):
            raise ValueError(
                f"Layer {operation.layer.name!r} has weights that are not finite numbers (NaN or infinite): did the training diverge?"
            )


def class_layer(deconvnet: Deconvnet) -> str | None:
    """Name of the layer whose activations `class_probabilities` takes; None if the model has no classes.

    It has if it ends in two numbers or more from a softmax, a sigmoid or a dense layer. Pooled maps are features and no classes, and a
    single number is no choice among any.
    """
    graph = deconvnet.graph
    name, value = list(graph.outputs.items())[-1]
    if len(graph.shapes[value]) != 1 or graph.shapes[value][0] == 1:
        return None
    if isinstance(graph.operations[-1].rule, Readout):
        return name
    producers = {operation.output: operation for operation in graph.operations}
    while isinstance(producers[value].layer, CHANGE_NOTHING):
        value = producers[value].inputs[0]
    last = producers[value]
    return name if isinstance(last.rule, Readout) or isinstance(last.layer, keras.layers.Dense) else None


def class_probabilities(deconvnet: Deconvnet, activations: ArrayLike) -> np.ndarray:
    """Probabilities from the activations of the last layer.

    A softmax or sigmoid at the end is taken as it is; outputs that are neither one of them nor probabilities count as logits, of which
    the softmax is taken.

    Args:
        deconvnet: of the model.
        activations: `(N, classes)`, of `class_layer`: of a softmax layer, its logits.

    Returns:
        float64 `(N, classes)`, 0..1.

    Examples:
        >>> (values,) = deconvnet.activations(images, [class_layer(deconvnet)])
        >>> class_probabilities(deconvnet, values).shape
        (8, 1000)
    """
    values = tf.cast(activations, tf.float64)
    last = deconvnet.graph.operations[-1]
    if isinstance(last.rule, Readout):
        return np.asarray(tf.cast(last.rule.function(values), tf.float64))
    if tf.reduce_min(values) >= 0 and np.all(abs(tf.reduce_sum(values, axis=1) - 1) < TOLERANCE):
        return np.asarray(values)
    return np.asarray(tf.nn.softmax(values))
