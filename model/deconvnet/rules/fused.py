"""Many small steps over whole maps, compiled to one loop over memory."""

import contextlib
import contextvars
import math
from collections.abc import Callable, Iterator

import tensorflow as tf

# Fewest values a row for which XLA is used.
WORTHWHILE = 1 << 15
_IS_ALLOWED = contextvars.ContextVar("whether XLA may be used", default=True)


@contextlib.contextmanager
def without_xla() -> Iterator[None]:
    """Code traced in this context does not use XLA: compiling is not worth its time, or the target program may lack XLA."""
    token = _IS_ALLOWED.set(False)
    try:
        yield
    finally:
        _IS_ALLOWED.reset(token)


def fused(function: Callable, *tensors: tf.Tensor) -> tf.Tensor:
    """Calls a function of tensors, compiled by XLA if the tensors are large enough to pay for compiling.

    TensorFlow alone reads and writes memory once for every step; XLA takes a few tenths of a second for every new number of rows.
    Meant for use inside a `tf.function`: it is traced at each call. The tensors have one row an example and are of known size
    but for the number of rows; the function has no variables.
    """
    if not _IS_ALLOWED.get() or sum(math.prod(tensor.shape[1:]) for tensor in tensors) < WORTHWHILE:
        return function(*tensors)
    specifications = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in tensors]
    # The concrete function: TensorFlow warns of a loop when one line makes several that it has to call by tracing.
    return tf.function(function, jit_compile=True, autograph=False).get_concrete_function(*specifications)(*tensors)
