"""Many small steps over whole maps, made one loop over memory."""

from collections.abc import Callable

import tensorflow as tf


def fused(function: Callable, *tensors: tf.Tensor) -> tf.Tensor:
    """Calls a function of tensors, compiled by XLA.

    TensorFlow alone would read and write memory once for every step of it. Meant for inside of a `tf.function`: it is traced anew
    at each call.

    Args:
        function: of tensors of one row an example, without variables.
        tensors: what it takes; all sizes but the number of rows known.

    Returns:
        What it returns.
    """
    specifications = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in tensors]
    # The concrete function: TensorFlow warns of a loop when one line makes several that it has to call by tracing.
    return tf.function(function, jit_compile=True).get_concrete_function(*specifications)(*tensors)
