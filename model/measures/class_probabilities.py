"""P(class): what a model says of its classes, read off the same pass as its features."""

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.rules.rule import Readout

# How far the sum over classes may be from 1, so that half precision passes too.
TOLERANCE = 1e-2
# Layers that may stand between the numbers and the output.
CHANGE_NOTHING = (keras.layers.Dropout, keras.layers.Flatten, keras.layers.Reshape, keras.layers.Activation)


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
