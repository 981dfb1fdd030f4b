import keras
import numpy as np
import pytest

from zfnet.components.training.divergence import StopOnDivergence


@pytest.fixture
def callback():
    made = StopOnDivergence()
    made.set_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]))
    return made


def test_a_loss_that_is_no_number_ends_the_training(callback):
    callback.on_epoch_end(0, {"loss": 2.5})
    for loss in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"after epoch 3 the loss is {loss}, and 0 weights"):
            callback.on_epoch_end(2, {"loss": loss})


def test_a_weight_that_is_no_number_ends_the_training(callback):
    callback.model.layers[0].kernel.assign(np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match=r"the loss is 2\.5, and 1 weights"):
        callback.on_epoch_end(0, {"loss": 2.5})
