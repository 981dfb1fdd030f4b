import random

import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.callbacks.unnoticed import unnoticed


@unnoticed
def draw(fail=False):
    """Uses random numbers, and tells whether it runs inside of a strategy."""
    random.random()
    np.random.random()
    if fail:
        raise ValueError("failed")
    return tf.distribute.has_strategy()


@pytest.mark.parametrize("strategy", [None, tf.distribute.OneDeviceStrategy("CPU:0")], ids=["none", "one device"])
def test_random_numbers_stay_and_no_strategy_is_seen(strategy):
    def numbers():
        return random.random(), np.random.random()

    random.seed(1)
    np.random.seed(1)
    expected = [numbers(), numbers()]
    random.seed(1)
    np.random.seed(1)
    found = [numbers()]
    if strategy is None:
        assert not draw()
    else:
        with strategy.scope():
            assert tf.distribute.has_strategy()
            assert not draw()
    with pytest.raises(ValueError, match="failed"):
        draw(fail=True)
    assert [*found, numbers()] == expected
    assert draw.__doc__.startswith("Uses random numbers")
