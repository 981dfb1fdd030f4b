"""A layer as a model in use calls it: not in training, in 32 bits or more."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def takes_training(layer: keras.Operation) -> bool:
    """Whether a layer may do something else in training."""
    return "training" in inspect.signature(layer.call).parameters


def call_in_use(layer: keras.Operation, dtype: tf.DType, *inputs: Any, **named: Any) -> Any:
    """Calls a layer or operation outside of training.

    Layers of a mixed-precision model compute in 16 bits. A projection may be larger than float16 can hold even where all activations are
    small. So a layer that computes in fewer bits than `dtype` computes in `dtype` here. Its results have this type too.
    """
    if takes_training(layer):
        named["training"] = False
    return tf.nest.map_structure(lambda result: tf.cast(result, dtype), _widened(layer, dtype)(*inputs, **named))


def function_in_use(layer: keras.Layer) -> Callable[[tf.Tensor], tf.Tensor]:
    """The call of a layer outside of training, as a function of its one input."""
    return lambda inputs: call_in_use(layer, inputs.dtype, inputs)


def _widened(layer: keras.Operation, dtype: tf.DType) -> keras.Operation:
    if not isinstance(layer, keras.Layer) or layer.quantization_mode:
        return layer
    own = tf.as_dtype(layer.compute_dtype)
    if not own.is_floating or own.size >= dtype.size:
        return layer
    # Keras copies a layer by saving it and loading it again; this one has the same weights.
    copied = object.__new__(type(layer))
    vars(copied).update(vars(layer), _dtype_policy=_Widened(dtype.name, layer.variable_dtype))
    return copied


class _Widened(keras.DTypePolicy):
    """Computing in one type with weights of another, which Keras converts."""

    def __init__(self, dtype: str, weights: str) -> None:
        super().__init__(dtype)
        self._weights = weights

    @property
    def variable_dtype(self) -> str:
        return self._weights
