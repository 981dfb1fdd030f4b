import keras
import pytest

from zfnet.components.figures.layers import (
    PaperLayers,
    chosen_layers,
    default_convolutions,
    default_layers,
    feature_layers,
    paper_layers,
    watched_layers,
)
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.model import Deconvnet, build


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
    with pytest.raises(ValueError, match=r"no Conv2D or SeparableConv2D layer, .* It has: depthwise_conv2d.*flat"):
        default_layers(Deconvnet(net(0)))


def test_named_ones_or_the_papers():
    deconvnet = Deconvnet(build("zfnet-small", input_shape=(64, 80, 3), classes=3))
    assert chosen_layers(deconvnet, [], "first", "hidden") == ["conv1", "fc7"]
    assert chosen_layers(deconvnet, ("conv3", "conv2", "conv3"), "first") == ["conv3", "conv2"]
    with pytest.raises(ValueError, match=r"no layer 'conv9' to look at. Did you mean conv"):
        chosen_layers(deconvnet, ["conv1", "conv9"], "first")


def test_layers_that_are_the_same_count_once():
    net = keras.Sequential([keras.Input((8, 9, 3)), keras.layers.Conv2D(2, 3, name="only")])
    assert chosen_layers(Deconvnet(net), [], "pooled", "hidden") == ["only"]


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


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_heads_that_of_the_classes(reverse):
    layers, image = keras.layers, keras.Input((16, 16, 3))
    maps = layers.MaxPooling2D(name="pool")(layers.Conv2D(4, 3, activation="relu", name="maps")(image))
    flat = layers.Flatten()(maps)
    classes = layers.Dense(3, "softmax", name="classes")(layers.Dense(8, "relu", name="fc")(flat))
    box = layers.Dense(4, name="box")(layers.Dense(6, "relu", name="box_fc")(flat))
    deconvnet = Deconvnet(keras.Model(image, [box, classes] if reverse else [classes, box]))
    assert paper_layers(deconvnet) == PaperLayers("maps", "maps", "pool", "fc")
    assert {"fc", "box_fc"} <= set(feature_layers(deconvnet)) <= {"pool", "fc", "box_fc"}


def test_layers_above_one_without_a_deconvnet_are_not_watched():
    layers = keras.layers
    convolutions = [layers.Conv2D(4, 3, activation=kind, name=name) for name, kind in (("a", "relu"), ("b", "gelu"), ("c", "relu"))]
    deconvnet = Deconvnet(
        keras.Sequential([keras.Input((20, 20, 3)), *convolutions, layers.Flatten(), layers.Dense(2, name="d")]), "gradient"
    )
    assert watched_layers(deconvnet, None) == ["a"]
    assert watched_layers(deconvnet, ["a", "a"]) == ["a"]
    with pytest.raises(ValueError, match=r"Layer 'd' of the model .* can't be projected from: no deconvnet is defined for layer 'b'"):
        watched_layers(deconvnet, ["a", "d"])
