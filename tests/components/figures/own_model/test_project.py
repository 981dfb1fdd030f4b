import keras
import numpy as np
import pytest

import zfnet
from zfnet.components.inputs.centre_crop import read_centre_crop
from zfnet.components.inputs.keras_net import KerasNet


def test_a_projection_is_that_of_the_deconvnet(model, images):
    figure = zfnet.project(model, images[:2], "conv2", 3)
    activations = zfnet.Deconvnet(model).activations(images[:2], ["conv2"])[0].numpy()[..., 3]
    np.testing.assert_allclose([each["activation"] for each in figure.numbers["images"]], activations.max(axis=(1, 2)), rtol=1e-2)
    one = zfnet.project(model, images[0], "conv2", 3)
    assert one.numbers["images"] == figure.numbers["images"][:1]
    with pytest.raises(ValueError, match="There is no unit 16"):
        zfnet.project(model, images, "conv1", 16)


def test_checks_of_projections(model, images):
    figure = zfnet.project(model, images[:2], "conv2", 3, check=True)
    expected = zfnet.check_projection(zfnet.Deconvnet(model), np.rint(images[:2]), "conv2", 3, fill=np.full(3, 128.0))
    np.testing.assert_allclose([each["check"]["fall"] for each in figure.numbers["images"]], expected.fall, atol=5e-3)
    assert figure.numbers["hidden"] == "128, since no mean is known"
    assert list(figure.numbers["alike"]["alone"]) == ["conv1", "conv2"]
    assert "check" not in zfnet.project(model, images[:2], "conv2", 3).numbers["images"][0]
    signals = keras.Sequential([keras.Input((30, 1)), keras.layers.Conv1D(2, 5, activation="relu", name="conv")])
    with pytest.raises(ValueError, match=r"`check` hides pixels of photographs, and the model 'sequential.*' takes none"):
        zfnet.project(signals, np.ones((2, 30, 1)), "conv", check=True)


def test_a_photograph_by_its_path(model, folder):
    photograph = next(folder.rglob("*.png"))
    pixels = read_centre_crop(photograph, 56).central(40, 56)
    assert zfnet.project(model, photograph, "conv2", 3).numbers == zfnet.project(model, pixels, "conv2", 3).numbers


def test_a_net_of_keras_by_name():
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3))
    name = "keras:MobileNet?weights=none"
    numbers = zfnet.project(name, pixels, "conv_pw_2_relu", 3).numbers["images"][0]
    keras_net = KerasNet.of(name).open()
    inside = keras.Model(
        keras_net.get_layer("mobilenet_1.00_224").input, keras_net.get_layer("mobilenet_1.00_224").get_layer("conv_pw_2_relu").output
    )
    activations = inside(keras.applications.mobilenet.preprocess_input(np.rint(pixels)))
    assert numbers["activation"] == pytest.approx(float(np.max(activations[0, :, :, 3])), rel=1e-4)
    with pytest.raises(ValueError, match="has its own preprocessing, tf, not caffe: leave"):
        zfnet.project(name, pixels, "conv_pw_2_relu", preprocessing="caffe")
