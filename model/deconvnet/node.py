"""One call of a layer or a model in a Keras model: its function of tensors, its `training`, and whether it is a graph itself."""

import inspect
from typing import Any

import tensorflow as tf
from keras import layers

from zfnet.model.deconvnet.rules.in_use import call_in_use, takes_training
from zfnet.model.deconvnet.rules.rule import Function

# Keras has no public name for their class.
Node = Any
# These take `training` and ignore it.
SAME_IN_TRAINING = (layers.Dense, layers.EinsumDense)


def call_function(node: Node, number: int = 0) -> Function:
    """The call of a node outside of training, as a function of its tensors that returns its result of a `number`."""

    def function(*inputs):
        tensors = {id(tensor): value for tensor, value in zip(node.input_tensors, inputs, strict=True)}
        positional, named = node.arguments.fill_in(tensors)
        results = call_in_use(node.operation, inputs[0].dtype, *positional, **named)
        return tf.nest.flatten(results)[number] if len(node.outputs) > 1 else results

    return function


def fixed_training(node: Node, outer: bool | None) -> bool | None:
    """Finds the `training` that `layer(x, training=True)` fixes for every call of the model; `None` if the caller of the model chooses it.

    `outer` is the same for the call of a model around the node, which has priority.
    """
    if outer is not None or not takes_training(node.operation):
        return outer
    named = node.arguments.kwargs.get("training")
    # Keras writes the default of random layers, which is true, into their calls; `predict` replaces it.
    return None if named == inspect.signature(node.operation.call).parameters["training"].default else named


def refuse_training(layer: Any, training: bool | None) -> None:
    """Fails with a ValueError if a layer is called with a fixed `training` that is true, and does something else then."""
    is_frozen = isinstance(layer, layers.BatchNormalization) and not layer.trainable
    if training and takes_training(layer) and type(layer) not in SAME_IN_TRAINING and not is_frozen:
        raise ValueError(
            f"Layer {layer.name!r} is of type {type(layer).__name__} and is called with training=True: what the model gives for an image "
            "depends on chance or on the other images of its batch, so that there is no projection of one image. Build the model without "
            "training=True, and copy the weights: new.set_weights(model.get_weights())."
        )
