"""Work of a callback without side effects on the training."""

import concurrent.futures
import contextlib
import functools
import random
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import numpy as np
import tensorflow as tf

P = ParamSpec("P")
T = TypeVar("T")


@contextlib.contextmanager
def unchanged_random_numbers() -> Iterator[None]:
    """Restores the random numbers of Python and NumPy at the end.

    Examples:
        >>> first = np.random.RandomState(3).random()
        >>> np.random.seed(3)
        >>> with unchanged_random_numbers():
        ...     drawn = np.random.random(9)
        >>> np.random.random() == first
        True
    """
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def unnoticed(work: Callable[P, T]) -> Callable[P, T]:
    """Wraps a function: it leaves random numbers as they were, and runs outside of the scope of a `tf.distribute` strategy.

    Inside of a scope, a model would run on all replicas, which have statistics of their own in a `BatchNormalization`; outside it has those
    of the first replica, which are also saved.
    """

    @functools.wraps(work)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with unchanged_random_numbers():
            if not tf.distribute.has_strategy():
                return work(*args, **kwargs)
            with concurrent.futures.ThreadPoolExecutor(1) as thread:  # Scopes belong to a thread.
                return thread.submit(work, *args, **kwargs).result()

    return wrapped
