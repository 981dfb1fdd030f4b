import keras
import numpy as np
import pytest
from keras import applications, layers

from zfnet.model import Deconvnet, ZFNet, receptive_field
from zfnet.model.deconvnet.windows.plan import Place, Windows


def windows_of(graph, layer):
    return Windows(graph, graph.value_of(layer), graph.shapes)


def test_zfnet_comes_down_in_windows_to_the_image():
    graph = Deconvnet(ZFNet()).graph
    for layer in ("conv1", "pool2", "conv5"):
        windows = windows_of(graph, layer)
        assert windows.places.keys() == {0, *(operation.output for operation in windows.operations)}
    assert windows.places[0] == receptive_field(ZFNet(), "conv5")
    assert not windows_of(graph, "fc6").places


def test_places_of_branches_by_hand():
    image = keras.Input((40, 30, 3))
    low = layers.Conv2D(4, 3, 2, "same", name="low")(image)
    narrow, wide = layers.Conv2D(4, 3, padding="same")(low), layers.Conv2D(4, (1, 5), padding="same", name="wide")(low)
    model = keras.Model(image, layers.Conv2D(2, 2, name="top")(layers.Add(name="sum")([narrow, wide])))
    graph = Deconvnet(model).graph
    places = windows_of(graph, "top").places
    assert places[graph.value_of("sum")] == ((2, 2), (1, 1), (0, 0))
    # 3 and 1 rows, 3 and 5 columns around each of 2 x 2.
    assert places[graph.value_of("low")] == ((4, 6), (1, 1), (-1, -2))
    # TensorFlow pads an even size at the end alone.
    assert places[0] == ((9, 13), (2, 2), (-2, -4))


def test_places_of_other_steps_have_no_window_around_them():
    one = Place((3, 3), (2, 2), (-1, 0))
    assert one.joined(Place((1, 5), (2, 2), (0, -1))) == ((3, 5), (2, 2), (-1, -1))
    assert one.joined(Place((1, 5), (4, 2), (0, -1))) is None


# The last layer of stages, and a layer whose window covers the maps below.
NETS = {
    "ResNet50": (["conv2_block3_out", "conv3_block4_out"], "conv5_block3_out"),
    "MobileNetV2": (["block_1_expand_relu", "block_6_expand_relu"], "block_16_project_BN"),
    "DenseNet121": (["pool2_pool"], "pool4_pool"),
    "InceptionV3": (["mixed0"], "mixed10"),
}


@pytest.mark.parametrize("name", NETS)
def test_windows_of_the_image_are_the_receptive_fields_of_nets(name):
    net = getattr(applications, name)(weights=None, include_top=False, input_shape=(224, 224, 3))
    deconvnet, (in_windows, whole) = Deconvnet(net), NETS[name]
    for layer in in_windows:
        assert windows_of(deconvnet.graph, layer).places[0] == receptive_field(deconvnet, layer)
    windows = windows_of(deconvnet.graph, whole)
    # Windows near the top alone, and each smaller than its map.
    assert 0 not in windows.places
    assert len(windows.places) > 1
    assert all(np.prod(place.size) < np.prod(windows.shapes[number][:-1]) for number, place in windows.places.items())
    assert windows.largest == max(np.prod(shape) for shape in windows.shapes[: windows.value])


def test_gates_get_no_windows():
    net = applications.EfficientNetB0(weights=None, include_top=False, input_shape=(96, 96, 3))
    graph = Deconvnet(net, unsupported="literature").graph
    windows = windows_of(graph, "block2b_add")
    assert windows.possible
    assert graph.value_of("block2b_se_squeeze") not in windows.places
    assert graph.value_of("block2b_activation") in windows.places
