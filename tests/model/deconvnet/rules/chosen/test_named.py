"""Rules by name, for Keras' layers and own ones, against the formula or autodiff."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zfnet.model import Deconvnet, receptive_field

SHAPE = (8, 7, 4)
IMAGES, SIGNAL = (np.random.default_rng(seed).normal(size=(2, *SHAPE)).astype("float32") for seed in range(2))


class Mixing(layers.Layer):
    """Linear: a map is mixed with its neighbour in a fixed way, and a bias added."""

    def build(self, shape):
        self.mix = self.add_weight(shape=(shape[-1], shape[-1]), initializer="random_normal")

    def call(self, inputs):
        return ops.matmul(inputs, self.mix) + ops.roll(inputs, 1, axis=2) + 5


class Cubed(layers.Layer):
    def call(self, inputs):
        return inputs**3


class PositiveAndNegative(layers.Layer):
    def call(self, inputs):
        return ops.concatenate([ops.relu(inputs), ops.relu(-inputs)], axis=-1)


def rule_of(layer, name):
    image = keras.Input(SHAPE)
    model = keras.Model(image, layer(image))
    return model, Deconvnet(model, rules={type(layer): name}).graph.operations[-1].rule


def gradient(function):
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(function(images) * SIGNAL)
    return tape.gradient(total, images)


def test_linear_is_the_transpose_without_bias():
    model, rule = rule_of(Mixing(), "linear")
    (found,) = rule.backward(SIGNAL, [SHAPE], None)
    matrix = np.asarray(model.layers[1].mix)
    expected = SIGNAL @ matrix.T + np.roll(SIGNAL, -1, axis=2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layer", [Cubed(name="odd"), layers.ReLU(name="odd"), layers.Conv2D(3, 1, activation="relu", name="odd")])
def test_linear_is_refused_for_what_is_not(layer):
    with pytest.raises(ValueError, match=r"'odd' is of type .*, which is no linear map"):
        rule_of(layer, "linear")


@pytest.mark.parametrize("layer", [Cubed(), layers.ELU(), layers.Activation("gelu"), layers.PReLU(alpha_initializer="random_normal")])
def test_as_relu_rectifies_the_signal(layer):
    _, rule = rule_of(layer, "as-relu")
    np.testing.assert_array_equal(rule.backward(SIGNAL, [SHAPE], None)[0], np.maximum(SIGNAL, 0))


@pytest.mark.parametrize("layer", [Mixing(name="odd"), PositiveAndNegative(name="odd"), layers.Conv2D(4, 1, activation="silu", name="odd")])
def test_as_relu_is_refused_for_what_mixes_values(layer):
    with pytest.raises(
        ValueError, match=r"'odd' is of type .*; the rule 'as-relu' .*give the function as the key: {keras.activations.silu"
    ):
        rule_of(layer, "as-relu")


@pytest.mark.parametrize("layer", [layers.LayerNormalization(), layers.GroupNormalization(2), layers.BatchNormalization(), Mixing()])
def test_skip_passes_the_signal(layer):
    _, rule = rule_of(layer, "skip")
    np.testing.assert_array_equal(rule.backward(tf.constant(SIGNAL), [SHAPE], None)[0], SIGNAL)


def test_skip_is_refused_for_another_shape():
    with pytest.raises(ValueError, match=r"'odd' is of type PositiveAndNegative and makes \(8, 7, 8\) of \(8, 7, 4\); the rule 'skip'"):
        rule_of(PositiveAndNegative(name="odd"), "skip")


@pytest.mark.parametrize(
    "layer", [Cubed(), layers.LayerNormalization(), layers.ReLU(), layers.Conv2D(4, 3, padding="same", activation="silu")]
)
def test_gradient_is_that_of_autodiff(layer):
    model, rule = rule_of(layer, "gradient")
    (found,) = rule.backward(tf.constant(SIGNAL), [SHAPE], [tf.constant(IMAGES)])
    np.testing.assert_allclose(found, gradient(model), atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "name", "size"),
    [
        (layers.LayerNormalization(), "skip", (5, 5)),
        (layers.GroupNormalization(2), "skip", (12, 11)),
        (layers.Activation("gelu"), "as-relu", (5, 5)),
        (layers.Activation("gelu"), "fixed-gate", (5, 5)),
        (Mixing(), "linear", None),
        (Mixing(), "skip", None),
        (layers.ReLU(), "gradient", None),
    ],
)
def test_windows_are_exact_or_not_known(layer, name, size):
    net = [keras.Input((12, 11, 3)), layers.Conv2D(4, 3), layer, layers.Conv2D(2, 3, name="top")]
    key = keras.activations.gelu if isinstance(layer, layers.Activation) else type(layer)
    deconvnet = Deconvnet(keras.Sequential(net), rules={key: name})
    if size:
        assert receptive_field(deconvnet, "top").size == size
        return
    with pytest.raises(ValueError, match="the units above it have no single receptive field"):
        receptive_field(deconvnet, "top")
