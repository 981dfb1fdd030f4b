"""The same functions from Keras' activations, its operations and TensorFlow, as an argument of a layer."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from zfnet.model import Deconvnet

IMAGES = np.random.default_rng(0).normal(size=(2, 10, 12, 3)).astype("float32")


def net(rectifier, readout):
    keras.utils.set_random_seed(3)
    conv = layers.Conv2D(6, 3, activation=rectifier, name="conv")
    pooled = [layers.MaxPooling2D(), layers.Conv2D(5, 2), layers.Activation(rectifier), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input(IMAGES.shape[1:]), conv, *pooled, layers.Dense(4, activation=readout, name="top")])


@pytest.mark.parametrize("library", [keras.activations, keras.ops, tf.nn], ids=lambda library: library.__name__)
@pytest.mark.parametrize(("rectifier", "readout"), [("relu", "softmax"), ("relu6", "sigmoid"), ("leaky_relu", "softmax")])
def test_functions_of_each_library(library, rectifier, readout, equals_autodiff):
    equals_autodiff(net(getattr(library, rectifier), getattr(library, readout)), IMAGES, ["conv", "top"])


@pytest.mark.parametrize(
    ("function", "same"),
    [
        (functools.partial(tf.nn.leaky_relu, alpha=0.3), functools.partial(keras.activations.leaky_relu, negative_slope=0.3)),
        (functools.partial(keras.activations.relu, max_value=6), "relu6"),
        (layers.Activation("relu"), "relu"),
        (layers.Activation(tf.nn.relu), layers.ReLU()),
        (tf.identity, None),
        (layers.Identity(), "linear"),
    ],
    ids=["leaky", "limited", "layer", "layer of TensorFlow", "identity", "identity layer"],
)
def test_functions_with_arguments_and_layers(function, same):
    found, expected = (Deconvnet(net(given, "softmax")) for given in (function, same))
    np.testing.assert_allclose(found.record(IMAGES).activations("top"), expected.record(IMAGES).activations("top"), rtol=1e-5)
    np.testing.assert_allclose(found.project(IMAGES, "top", 1), expected.project(IMAGES, "top", 1), atol=1e-6)


def test_softmax_layer_as_an_argument_stands_for_the_logits():
    expected = Deconvnet(net("relu", "softmax")).project(IMAGES, "top", 2)
    np.testing.assert_array_equal(Deconvnet(net("relu", layers.Softmax())).project(IMAGES, "top", 2), expected)


def test_saved_and_loaded_it_is_the_same(tmp_path):
    model = net(tf.nn.relu, tf.nn.sigmoid)
    model.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(Deconvnet(loaded).project(IMAGES, "top", 1), Deconvnet(model).project(IMAGES, "top", 1))


def relu(inputs):
    return tf.nn.relu(inputs) ** 2


@pytest.mark.parametrize(
    ("activation", "name"),
    [(relu, "relu"), (functools.partial(relu), "relu"), (tf.nn.elu, "elu"), (tf.nn.silu, "swish"), (layers.Activation("tanh"), "tanh")],
    ids=["own", "partial", "elu", "silu", "layer"],
)
def test_others_are_refused_or_passed_by_their_gradient(activation, name):
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), layers.Conv2D(3, 3, activation=activation, name="top")])
    with pytest.raises(
        ValueError, match=f"'top' is of type Conv2D, with the activation '{name}'.*one of linear, relu, relu6, leaky_relu, softm"
    ):
        Deconvnet(model)
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        strongest = tf.reduce_max(model(images)[..., 1], axis=(1, 2))
        total = tf.reduce_sum(strongest * tf.stop_gradient(strongest))
    expected = tape.gradient(total, images).numpy()
    found = Deconvnet(model, unsupported="gradient").project(IMAGES, "top", 1)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
