"""Trials on random numbers: that they find layers whose window is larger than the one given."""

import keras
import pytest
from keras import layers, ops

from zfnet import Deconvnet, Rule
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.chosen.trial import random_inputs


class Flip(layers.Layer):
    """Leaves the middle where it is."""

    def call(self, inputs):
        return ops.flip(inputs, 1)


class Transpose(layers.Layer):
    """Leaves the diagonal where it is."""

    def call(self, inputs):
        return ops.swapaxes(inputs, 1, 2)


@pytest.mark.parametrize(("kind", "shape"), [(Flip, (9, 2)), (Flip, (9, 7, 2)), (Transpose, (8, 8, 2)), (Transpose, (7, 7, 5, 2))])
def test_a_place_that_stays_does_not_hide_others_that_move(kind, shape):
    with pytest.raises(ValueError, match="depends on more"):
        Deconvnet(keras.Sequential([keras.Input(shape), kind(name="moves")]), rules={kind: Rule("linear", "point")})


class Product(layers.Layer):
    """Maps times one place of others."""

    def call(self, inputs, gate):
        return inputs * gate


def test_one_place_of_an_input_that_is_used_everywhere_is_no_point():
    signal = keras.Input((12, 3))
    model = keras.Model(signal, Product(name="product")(signal, layers.Conv1D(3, 5, padding="same")(signal)[:, :1]))
    with pytest.raises(ValueError, match=r"'product', of type Product: its window is given as .* depends on more"):
        Deconvnet(model, rules={Product: Rule("gradient", "point")})


def test_a_volume_of_open_size_is_tried_on_a_small_one():
    call = Call(None, None, (), [(None, None, None, 2)], dims=3)
    assert random_inputs(call)[0].shape == (2, 24, 24, 24, 2)
