import keras
import pytest

from zfnet.components.figures.matched_layers import layers_by_name, layers_by_place
from zfnet.model import Deconvnet


def net(*names):
    return Deconvnet(keras.Sequential([keras.Input((20, 16, 3)), *(keras.layers.Conv2D(2, 3, name=name) for name in names)]))


def test_by_place_the_first_stands_beside_the_first():
    rows, left_over = layers_by_place([net("a", "b", "c"), net("x", "y")])
    assert rows == [("a", "x"), ("b", "y")]
    assert left_over == [["c"], []]


def test_by_name_a_model_may_lack_a_layer():
    nets = [net("a", "b"), net("b", "c")]
    assert layers_by_name(nets, ["b", "c", "b"]) == [("b", "b"), (None, "c")]
    with pytest.raises(ValueError, match="no layer 'd' to look at"):
        layers_by_name(nets, ["d"])
