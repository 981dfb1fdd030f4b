import keras
import numpy as np
import pytest
from keras.src.applications.imagenet_utils import preprocess_input

from zfnet.components.inputs.preprocessing import PREPROCESSINGS, with_preprocessing
from zfnet.model import Deconvnet


def net(layout="channels_last"):
    shape = (3, 20, 28) if layout == "channels_first" else (20, 28, 3)
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv2D(4, 3, activation="relu", data_format=layout, name="conv"),
            keras.layers.Conv2D(5, 3, strides=2, activation="relu", data_format=layout, name="top"),
        ]
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (2, 20, 28, 3)).astype("float32")


def expected_inputs(images, name):
    return images / 255 if name == "unit" else preprocess_input(images.copy(), data_format="channels_last", mode=name)


@pytest.mark.parametrize("name", ["unit", "tf", "caffe", "torch"])
def test_inputs_are_those_of_keras_applications(images, name):
    model = net()
    layer = with_preprocessing(model, name).layers[1]
    np.testing.assert_allclose(layer(images), expected_inputs(images, name), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        with_preprocessing(model, name)(images), model(expected_inputs(images, name)), rtol=1e-4, atol=1e-4 * float(np.abs(images).max())
    )


def test_raw_is_the_model_itself():
    model = net()
    assert with_preprocessing(model, "raw") is model


def test_projections_come_out_in_rgb(images):
    model = net()
    behind = Deconvnet(with_preprocessing(model, "caffe")).project(images, "top", 2)
    alone = Deconvnet(model).project(expected_inputs(images, "caffe"), "top", 2)
    np.testing.assert_allclose(behind, alone[..., ::-1], atol=1e-5 * np.abs(alone).max())
    assert np.abs(behind - alone).max() > 0.1 * np.abs(alone).max()


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_channels_may_come_first(images, name):
    last, first = net(), net("channels_first")
    first.set_weights(last.get_weights())
    expected = Deconvnet(with_preprocessing(last, name)).project(images, "top", 1)
    found = Deconvnet(with_preprocessing(first, name)).project(np.moveaxis(images, 3, 1), "top", 1)
    np.testing.assert_allclose(np.moveaxis(found, 1, 3), expected, atol=1e-5 * np.abs(expected).max())


def test_the_model_and_its_layers_keep_their_names(images):
    model = net()
    deconvnet = Deconvnet(with_preprocessing(model, "torch"))
    assert deconvnet.model.name == model.name
    assert deconvnet.layers == ["preprocessing_torch", "conv", "top"]


def test_unknown_name():
    with pytest.raises(ValueError, match="no preprocessing 'imagenet'; there are raw, unit, tf, caffe, torch"):
        with_preprocessing(net(), "imagenet")


def grey_net(layout):
    shape = (1, 20, 28) if layout == "channels_first" else (20, 28, 1)
    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(4, 3, activation="relu", data_format=layout, name="conv")
    return keras.Sequential([keras.Input(shape), convolution])


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("name", "scale", "offset"), [("raw", 1, 0), ("unit", 1 / 255, 0), ("tf", 1 / 127.5, -1)])
def test_a_model_of_one_channel_sees_grey_and_projects_grey(images, layout, name, scale, offset):
    def to_model_layout(pictures):
        return np.moveaxis(pictures, 3, 1) if layout == "channels_first" else pictures

    model = grey_net(layout)
    behind, grey = Deconvnet(with_preprocessing(model, name)), images.mean(3, keepdims=True) * scale + offset
    images = to_model_layout(images)
    np.testing.assert_allclose(behind.activations(images, ["conv"])[0], model(to_model_layout(grey)), rtol=1e-4, atol=1e-3 * scale * 255)
    seen = np.moveaxis(behind.project(images, "conv", 1), 1, 3) if layout == "channels_first" else behind.project(images, "conv", 1)
    assert np.abs(seen).max() > 0
    np.testing.assert_array_equal(seen, np.broadcast_to(seen[..., :1], seen.shape))


def test_three_means_are_not_for_one_channel():
    with pytest.raises(ValueError, match="takes one channel, and caffe is for three; expected one of raw, unit, tf"):
        with_preprocessing(grey_net("channels_last"), "caffe")
