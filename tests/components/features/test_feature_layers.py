import keras
import pytest

from zfnet.components.features.feature_layers import feature_layers
from zfnet.components.pictures.preprocessing import with_preprocessing
from zfnet.model import Deconvnet, build


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("zfnet-small", ["norm1", "norm2", "conv3", "conv4", "pool5", "fc6", "fc7"]),
        ("alexnet-small", ["pool1", "pool2", "conv3", "conv4", "pool5", "fc6", "fc7"]),
    ],
)
def test_a_layer_is_what_the_next_one_takes(architecture, expected):
    assert feature_layers(Deconvnet(build(architecture, classes=15))) == expected


def test_without_dense_layers_the_pooled_maps_come_last():
    net = build("alexnet-without-6-7", input_shape=(96, 96, 3), classes=3)
    assert feature_layers(Deconvnet(net)) == ["pool1", "pool2", "conv3", "conv4", "pool5"]


def test_normalisation_and_activation_belong_to_the_layer_below():
    layers = keras.layers
    net = keras.Sequential([keras.Input((12, 10, 3)), layers.Conv2D(4, 3, name="a"), layers.BatchNormalization(), layers.ReLU(name="r")])
    net.add(layers.Conv2D(2, 3, activation="relu", name="b"))
    net.add(layers.GlobalAveragePooling2D(name="g"))
    net.add(layers.Dense(2))
    assert feature_layers(Deconvnet(with_preprocessing(net, "caffe"))) == ["r", "g"]
