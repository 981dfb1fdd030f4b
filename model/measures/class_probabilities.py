"""P(class): what a model says of its classes, read off the same pass as its features."""

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.rules.rule import Readout

# How far the sum over classes may be from 1, so that half precision passes too.
TOLERANCE = 1e-2


def class_layer(deconvnet: Deconvnet) -> str | None:
    """Name of the layer whose activations `class_probabilities` takes; None if the model's output is not one number for each class."""
    graph = deconvnet.graph
    name, value = list(graph.outputs.items())[-1]
    return name if len(graph.shapes[value]) == 1 else None


def class_probabilities(deconvnet: Deconvnet, activations) -> np.ndarray:
    """Probabilities from the activations of the last layer.

    A softmax or sigmoid at the end is taken as it is; outputs that are neither one of them nor probabilities count as logits, of which
    the softmax is taken.

    Args:
        deconvnet: of the model.
        activations: `(N, classes)`, of `class_layer`: of a softmax layer, its logits.

    Returns:
        float64 `(N, classes)`, 0..1.

    Example:
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
