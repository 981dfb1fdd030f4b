import keras
import pytest

from zfnet.components.figures.paper_layers import PaperLayers, paper_layers
from zfnet.components.pictures.preprocessing import with_preprocessing
from zfnet.model import Deconvnet, build


def test_of_zfnet_they_are_those_of_the_paper():
    assert paper_layers(Deconvnet(build("zfnet-small", classes=15))) == PaperLayers("conv1", "conv5", "pool5", "fc7")


def test_a_row_without_its_dense_layers_gives_the_pooled_maps():
    net = build("alexnet-without-6-7", input_shape=(224, 224, 3), classes=3)
    assert paper_layers(Deconvnet(net)) == PaperLayers("conv1", "conv5", "pool5", "pool5")


def test_of_a_residual_net_behind_a_preprocessing():
    net = with_preprocessing(keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=4), "caffe")
    assert paper_layers(Deconvnet(net)) == PaperLayers("conv1_conv", "conv5_block3_out", "avg_pool", "avg_pool")


def test_without_pooling_and_without_dense_layers_the_last_map_is_all_there_is():
    layers = keras.layers
    net = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="a"), layers.Conv2D(2, 3, activation="relu", name="b")])
    assert paper_layers(Deconvnet(net)) == PaperLayers("a", "b", "b", "b")


def test_pooling_of_the_image_itself_does_not_count():
    layers = keras.layers
    body = [layers.MaxPooling2D(name="shrink"), layers.Conv2D(4, 3, activation="relu", name="maps"), layers.Flatten()]
    net = keras.Sequential([keras.Input((16, 16, 3)), *body, layers.Dense(2, name="classes")])
    assert paper_layers(Deconvnet(net)) == PaperLayers("maps", "maps", "maps", "maps")


def test_a_net_without_convolutions_is_refused():
    net = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2, name="classes")])
    with pytest.raises(ValueError, match="no Conv2D layer"):
        paper_layers(Deconvnet(net))
