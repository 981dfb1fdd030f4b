import keras
import pytest

from zfnet.components.figures.default_layers import default_convolutions, default_layers
from zfnet.components.pictures.preprocessing import with_preprocessing
from zfnet.model import Deconvnet


def net(convolutions):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((16, 20, 3)),
            layers.DepthwiseConv2D(3, padding="same"),
            *(layers.Conv2D(2, 3, padding="same", activation="relu", name=f"conv{place}") for place in range(convolutions)),
            layers.Flatten(name="flat"),
            layers.Dense(2),
        ]
    )


@pytest.mark.parametrize(
    ("convolutions", "expected"),
    [(1, [0]), (10, list(range(10))), (11, [0, 2, 5, 8, 10]), (13, [0, 3, 6, 9, 12])],
)
def test_all_of_a_shallow_net_and_five_of_a_deep_one(convolutions, expected):
    assert default_layers(Deconvnet(net(convolutions))) == [f"conv{place}" for place in expected]


def test_preprocessing_is_no_layer_of_the_model():
    assert default_layers(Deconvnet(with_preprocessing(net(2), "caffe"))) == ["conv0", "conv1"]


def test_convolutions_of_nested_models():
    inner = net(2)
    outer = keras.Sequential([keras.Input((16, 20, 3)), keras.layers.Conv2D(3, 1, name="first"), inner])
    assert default_layers(Deconvnet(outer)) == ["first", "conv0", "conv1"]


def test_layers_that_change_nothing_are_no_layers_of_their_own():
    layers = keras.layers
    stack = [keras.Input((16, 20, 3))]
    for place in range(6):
        stack += [layers.Conv2D(2, 3, padding="same", name=f"conv{place}"), layers.Activation("linear", name=f"same{place}")]
    assert default_layers(Deconvnet(keras.Sequential(stack))) == [f"conv{place}" for place in range(6)]
    stack.append(layers.Activation("softmax", name="last"))
    assert default_layers(Deconvnet(keras.Sequential(stack))) == [f"conv{place}" for place in range(6)]


def test_what_fires_is_the_relu_above_a_normalisation():
    layers = keras.layers
    stack = [keras.Input((16, 20, 3)), layers.Conv2D(2, 3, name="conv0"), layers.BatchNormalization(), layers.ReLU(name="relu0")]
    stack += [layers.Conv2D(2, 3, name="conv1"), layers.BatchNormalization(name="last")]
    deconvnet = Deconvnet(keras.Sequential(stack))
    assert default_layers(deconvnet) == ["relu0", "conv1"]
    assert default_convolutions(deconvnet) == ["conv0", "conv1"]


def test_net_without_convolutions_needs_names():
    with pytest.raises(ValueError, match=r"no Conv2D layer, .* It has: depthwise_conv2d.*flat"):
        default_layers(Deconvnet(net(0)))
