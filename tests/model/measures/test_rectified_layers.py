import keras
import pytest

from zfnet.model import Deconvnet, build
from zfnet.model.measures.rectified_layers import rectified_layers, rectified_output

layers = keras.layers


def test_of_zfnet_all_but_the_logits():
    graph = Deconvnet(build("zfnet-small", classes=4)).graph
    assert rectified_layers(graph) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
    assert rectified_output(graph, "conv1") == "conv1"


@pytest.fixture(scope="module")
def graph():
    """A net whose convolutions have their ReLU somewhere else, or none."""
    image = keras.Input((9, 11, 3))
    normal = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, padding="same", name="normal")(image))
    relu = layers.Activation("linear", name="same")(layers.ReLU(name="relu")(normal))
    pooled = layers.MaxPooling2D(1, name="pool")(layers.Conv2D(4, 3, padding="same", name="linear")(relu))
    left = layers.Conv2D(4, 1, name="left")(pooled)
    added = layers.Activation("relu", name="added")(layers.Add(name="add")([left, relu]))
    swish = layers.Conv2D(4, 1, activation="swish", name="swish")(added)
    twice = layers.Conv2D(4, 1, name="twice")(swish)
    both = layers.Concatenate(name="both")([layers.ReLU(name="up")(twice), twice])
    dense = layers.Dense(4, activation="relu", name="dense")(layers.Flatten(name="flat")(both))
    return Deconvnet(keras.Model(image, layers.Dense(2, activation="softmax", name="classes")(dense)), "gradient").graph


def test_each_relu_once(graph):
    assert rectified_layers(graph) == ["relu", "added", "up", "dense"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [("normal", "relu"), ("bn", "relu"), ("linear", None), ("left", None), ("swish", None), ("twice", None), ("dense", "dense")],
)
def test_where_the_relu_of_a_layer_is(graph, layer, expected):
    assert rectified_output(graph, layer) == expected


def test_no_such_layer(graph):
    with pytest.raises(ValueError, match="no layer 'conv1'"):
        rectified_output(graph, "conv1")
