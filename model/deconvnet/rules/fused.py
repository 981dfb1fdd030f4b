"""Many small steps over whole maps, made one loop over memory."""

import math
from collections.abc import Callable

import tensorflow as tf

# Values a row from which on XLA is used.
WORTHWHILE = 1 << 15


def fused(function: Callable, *tensors: tf.Tensor) -> tf.Tensor:
    """Calls a function of tensors, compiled by XLA where that is worth the time that compiling takes.

    TensorFlow alone reads and writes memory once for every step of it; XLA needs a few tenths of a second for every number of rows
    that it is called with. Meant for inside of a `tf.function`: it is traced anew at each call.

    Args:
        function: of tensors of one row an example, without variables.
        tensors: what it takes; all sizes but the number of rows known.

    Returns:
        What it returns.
    """
    if sum(math.prod(tensor.shape[1:]) for tensor in tensors) < WORTHWHILE:
        return function(*tensors)
    specifications = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in tensors]
    # The concrete function: TensorFlow warns of a loop when one line makes several that it has to call by tracing.
    return tf.function(function, jit_compile=True, autograph=False).get_concrete_function(*specifications)(*tensors)
