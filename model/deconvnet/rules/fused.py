"""Many small steps over whole maps, made one loop over memory."""

import contextlib
import contextvars
import math
from collections.abc import Callable, Iterator

import tensorflow as tf

# Values a row from which on XLA is used.
WORTHWHILE = 1 << 15
_IS_ALLOWED = contextvars.ContextVar("whether XLA may be used", default=True)


@contextlib.contextmanager
def without_xla() -> Iterator[None]:
    """What is traced in here does without XLA: it is not worth its time, or meant for programs that may have been built without it."""
    token = _IS_ALLOWED.set(False)
    try:
        yield
    finally:
        _IS_ALLOWED.reset(token)


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
    if not _IS_ALLOWED.get() or sum(math.prod(tensor.shape[1:]) for tensor in tensors) < WORTHWHILE:
        return function(*tensors)
    specifications = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in tensors]
    # The concrete function: TensorFlow warns of a loop when one line makes several that it has to call by tracing.
    return tf.function(function, jit_compile=True, autograph=False).get_concrete_function(*specifications)(*tensors)
