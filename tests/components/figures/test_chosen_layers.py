import keras
import pytest

from zfnet.components.figures.chosen_layers import chosen_layers
from zfnet.model import Deconvnet, build


def test_named_ones_or_the_papers():
    deconvnet = Deconvnet(build("zfnet-small", input_shape=(64, 80, 3), classes=3))
    assert chosen_layers(deconvnet, [], "first", "hidden") == ["conv1", "fc7"]
    assert chosen_layers(deconvnet, ("conv3", "conv2", "conv3"), "first") == ["conv3", "conv2"]
    with pytest.raises(ValueError, match=r"no layer 'conv9' to look at. Did you mean conv"):
        chosen_layers(deconvnet, ["conv1", "conv9"], "first")


def test_layers_that_are_the_same_count_once():
    net = keras.Sequential([keras.Input((8, 9, 3)), keras.layers.Conv2D(2, 3, name="only")])
    assert chosen_layers(Deconvnet(net), [], "pooled", "hidden") == ["only"]
