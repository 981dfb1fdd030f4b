"""Checks of a model: whether it is a graph of layers, and which inputs it has."""

import re
from typing import Any

import keras


def check_readable(model: Any) -> None:
    """Fails with a ValueError if something is no Keras model on TensorFlow, is not built, or is no graph of its layers."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"Keras runs on {keras.backend.backend()!r}; zfnet needs TensorFlow (KERAS_BACKEND=tensorflow).")
    if not isinstance(model, keras.Model):
        raise ValueError(f"The model is of type {type(model).__name__}; expected a keras.Model, as keras.saving.load_model returns.")
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"The model {model.name!r} is not built, or is a subclass without a graph of layers. Expected a Sequential or "
            "Functional model; give a Sequential model an Input, or call it once."
        )
    if not is_graph(model):
        raise ValueError(
            f"The model {model.name!r} is of type {type(model).__name__}, with a `call` of its own, which its layers do not describe."
        )


def input_dims(model: keras.Model) -> list[int]:
    """Number of spatial axes of each input: 2 for images, 1 for signals, 3 for volumes, 0 for vectors.

    The last axis is that of the channels, unless the layers of the model show that its one input has none: an image `(28, 28)` for
    Conv2D, a signal `(length,)` for Conv1D.
    """
    found = [max(len(tensor.shape) - 2, 0) for tensor in model.inputs]
    used = {int(match[1]) for layer in model._flatten_layers() if (match := re.search("([123])D", type(layer).__name__))}
    if len(found) == 1 and found[0] not in used and len(model.inputs[0].shape) - 1 in used:
        return [len(model.inputs[0].shape) - 1]
    return found


def functional(model: keras.Model) -> keras.Model:
    """The Functional model inside of a Sequential one, or the model itself."""
    return getattr(model, "_functional", None) or model


def is_graph(operation: keras.Operation) -> bool:
    """Whether an operation is a model that is a graph of others, and nothing else."""
    # A subclass may do anything in a `call` of its own.
    return hasattr(functional(operation), "_nodes_by_depth") and type(operation).call.__module__.startswith("keras.src.models.")
