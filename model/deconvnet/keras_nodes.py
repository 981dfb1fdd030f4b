"""What Keras keeps of how a model was made: its nodes, one for each call of a layer or operation."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

# Keras has no public name for their class.
Node = Any


def functional(model: keras.Model) -> keras.Model:
    """The Functional model that a Sequential one keeps inside, or the model itself."""
    return getattr(model, "_functional", None) or model


def is_graph(operation: keras.Operation) -> bool:
    """Whether an operation is a model that is a graph of others, and nothing else."""
    # A subclass may do anything in a `call` of its own.
    return hasattr(functional(operation), "_nodes_by_depth") and type(operation).call.__module__.startswith("keras.src.models.")


def call_function(node: Node) -> Callable:
    """The call that a node stands for, as a function of its tensors."""
    arguments = node.arguments

    def function(*inputs):
        positional, named = arguments.fill_in({id(tensor): value for tensor, value in zip(node.input_tensors, inputs, strict=True)})
        if "training" in named:
            named["training"] = False
        output = node.operation(*positional, **named)
        # Layers of a mixed-precision model compute in 16 bits when they are called.
        return tf.cast(output, inputs[0].dtype)

    return function
