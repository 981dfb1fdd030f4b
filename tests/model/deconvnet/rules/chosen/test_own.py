"""Rules that users write: their arguments, and the results that are refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zfnet.model import Deconvnet

IMAGES = np.random.default_rng(0).normal(size=(3, 9, 8, 3)).astype("float32")


class Gated(layers.Layer):
    """Maps times a gate of their own, which is a convolution."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.gate = layers.Conv2D(4, 1, activation="sigmoid")

    def build(self, shape):
        self.gate.build(shape)

    def compute_output_shape(self, shape):
        return shape

    def call(self, inputs):
        return inputs * self.gate(inputs)


class Blend(layers.Layer):
    """Two maps, the second with a weight."""

    def build(self, shapes):
        self.weight = self.add_weight(shape=(), initializer="random_normal")

    def call(self, first, second):
        return first + self.weight * second**2


def net(*middle):
    keras.utils.set_random_seed(3)
    layer = [keras.Input(IMAGES.shape[1:]), layers.Conv2D(4, 3, activation="relu", name="bottom"), *middle]
    return keras.Sequential([*layer, layers.Conv2D(2, 2, name="top")])


def fixed_gate(layer, signal, inputs):
    return signal * layer.gate(inputs)


def by_hand(model):
    """The same projection by autodiff, with a constant gate."""
    images = tf.constant(IMAGES)
    bottom, gated, top = model.layers
    rectify = tf.custom_gradient(lambda values: (tf.nn.relu(values), tf.nn.relu))
    with tf.GradientTape() as tape:
        tape.watch(images)
        maps = rectify(tf.nn.conv2d(images, bottom.kernel, 1, "VALID") + bottom.bias)
        single = tf.reduce_max(top(maps * tf.stop_gradient(gated.gate(maps)))[..., 1], axis=(1, 2))
        total = tf.reduce_sum(single * tf.stop_gradient(single))
    return tape.gradient(total, images).numpy()


def test_function_equals_autodiff():
    model = net(Gated())
    expected = by_hand(model)
    deconvnet = Deconvnet(model, rules={Gated: fixed_gate})
    np.testing.assert_allclose(deconvnet.project(IMAGES, "top", 1), expected, atol=1e-5 * np.abs(expected).max())


def test_it_gets_the_layer_and_tensors_of_the_images():
    seen = []

    def look(layer, signal, inputs):
        seen.append((layer, signal.shape, inputs.shape))
        return signal

    layer = Gated()
    Deconvnet(net(layer), rules={Gated: look}).project(IMAGES, "top", 0)
    assert {(given, tuple(signal), tuple(inputs)) for given, signal, inputs in seen} == {(layer, (None, 7, 6, 4), (None, 7, 6, 4))}


def test_layer_of_several_inputs():
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES.shape[1:])
    first, second = (layers.Conv2D(4, 3, name=name)(image) for name in ("first", "second"))
    model = keras.Model(image, Blend(name="blend")(first, second))
    weight = model.get_layer("blend").weight

    def both(layer, signal, first, second):
        return [signal, layer.weight * second * signal]

    def one(layer, signal, first, second):
        return signal, None

    def expected(seconds):
        total = np.asarray(tf.nn.conv2d_transpose(signal, model.get_layer("first").kernel, IMAGES.shape, 1, "VALID"))
        other = model.get_layer("second")
        at = seconds * weight * other(IMAGES) * signal
        return total + np.asarray(tf.nn.conv2d_transpose(at, other.kernel, IMAGES.shape, 1, "VALID"))

    activations = np.asarray(model(IMAGES))
    signal = np.zeros_like(activations)
    signal[:, 2, 3, 1] = activations[:, 2, 3, 1]
    for rule, seconds in ((both, 1), (one, 0)):
        found = Deconvnet(model, rules={"blend": rule}).project(IMAGES, "blend", 1, (2, 3))
        np.testing.assert_allclose(found, expected(seconds), atol=1e-5)


def test_channels_first_tensors_are_in_the_models_layout():
    def model(first):
        keras.utils.set_random_seed(3)
        axis, layout = (1, "channels_first") if first else (-1, None)
        shape = (3, 9, 8) if first else (9, 8, 3)
        low = [keras.Input(shape), layers.Conv2D(4, 3, data_format=layout), layers.LayerNormalization(axis=axis)]
        return keras.Sequential([*low, layers.Conv2D(2, 2, data_format=layout, name="top")])

    def halves(layer, signal, inputs):
        assert signal.shape[1:] == inputs.shape[1:]
        axis = layer.axis[0]
        return signal * tf.reshape(tf.range(4.0), [4 if place == axis % 4 else 1 for place in range(4)])

    first, last = model(True), model(False)
    first.set_weights(last.get_weights())
    rules = {layers.LayerNormalization: halves}
    expected = Deconvnet(last, rules=rules).project(IMAGES, "top", 1)
    found = Deconvnet(first, rules=rules).project(IMAGES.transpose(0, 3, 1, 2), "top", 1)
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, atol=1e-6)


class AddMean(layers.Layer):
    """Channels-first maps and the means of a signal, one for each map."""

    def call(self, maps, signal):
        return maps + keras.ops.mean(signal, axis=-1)[:, :, None, None]


def test_channels_first_image_and_signal_are_in_the_models_layout():
    inputs = [keras.Input((3, 9, 8)), keras.Input((4, 5))]
    maps = layers.Conv2D(4, 3, data_format="channels_first")(inputs[0])
    model = keras.Model(inputs, AddMean(name="top")(maps, layers.Conv1D(4, 1, data_format="channels_first")(inputs[1])))

    def spread(layer, signal, maps, other):
        assert (signal.shape[1:], maps.shape[1:], other.shape[1:]) == ((4, 7, 6), (4, 7, 6), (4, 5))
        return [signal, tf.repeat(tf.reduce_sum(signal, axis=(2, 3))[:, :, None] / 5, 5, axis=2)]

    images = [IMAGES.transpose(0, 3, 1, 2), np.random.default_rng(1).normal(size=(len(IMAGES), 4, 5)).astype("float32")]
    deconvnets = Deconvnet(model, rules={AddMean: spread}), Deconvnet(model, unsupported="gradient")
    for found, expected in zip(*(each.project(images, "top", 1, (2, 3)) for each in deconvnets), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert np.any(found)


def test_rule_of_a_layer_that_works_on_each_step():
    keras.utils.set_random_seed(3)
    image, gated, top = keras.Input((9, 8, 4)), Gated(), layers.Conv2D(2, 2, name="top")
    steps = layers.TimeDistributed(gated)(layers.Reshape((3, 3, 8, 4))(image))
    model = keras.Model(image, top(layers.Reshape((9, 8, 4))(steps)))
    images = np.random.default_rng(1).normal(size=(2, 9, 8, 4)).astype("float32")
    found = Deconvnet(model, rules={Gated: fixed_gate}).project(images, "top", 1, (4, 3))
    signal = np.zeros((2, 8, 7, 2), np.float32)
    signal[:, 4, 3, 1] = model(images)[:, 4, 3, 1]
    # The gate is by place, so that it does not matter how the image is divided.
    expected = tf.nn.conv2d_transpose(signal, top.kernel, images.shape, 1, "VALID") * gated.gate(images)
    np.testing.assert_allclose(found, expected, atol=1e-6)


WRONG = {
    "shape": (lambda layer, signal, inputs: signal[..., :2], r"returns a signal of shape \(None, 7, 6, 2\); expected \(None, 7, 6, 4\)"),
    "rank": (lambda layer, signal, inputs: signal[..., 0], r"returns a signal of shape \(None, 7, 6\)"),
    "one row for all": (lambda layer, signal, inputs: tf.reduce_sum(signal, 0, keepdims=True), r"returns a signal of shape \(1, 7, 6, 4\)"),
    "type": (lambda layer, signal, inputs: tf.cast(signal, "float64"), "returns a signal of type float64; expected float32"),
    "whole numbers": (lambda layer, signal, inputs: tf.cast(signal, "int32"), "returns a signal of type int32"),
    "no tensor": (lambda layer, signal, inputs: 0.5, "returns something of type float; expected a tensor"),
    "too many": (lambda layer, signal, inputs: [signal, signal], "returns 2 signals; expected one for each input, 1"),
    "numpy": (lambda layer, signal, inputs: np.maximum(signal, 0), "fails: .*Expected a function of TensorFlow's or Keras' operations"),
    "an error": (lambda layer, signal, inputs: layer.nothing, "fails: AttributeError"),
    "arguments": (lambda signal, inputs: signal, "is called with the layer, the signal and 1 inputs, and does not take these"),
    "mixes images": (
        lambda layer, signal, inputs: signal - tf.reduce_mean(signal, 0),
        "gives an image another signal when it is in a batch with others",
    ),
    "not zero": (lambda layer, signal, inputs: signal + 1, "returns other numbers than zeros for a signal of zeros"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_it_returns_is_checked(kind):
    rule, message = WRONG[kind]
    with pytest.raises(ValueError, match=f"The rule '<lambda>' of layer 'odd', of type Gated, {message}"):
        Deconvnet(net(Gated(name="odd")), rules={"odd": rule})


def test_numbers_that_are_not_finite_are_an_error():
    deconvnet = Deconvnet(net(Gated(name="odd")), rules={"odd": lambda layer, signal, inputs: signal / inputs})
    with pytest.raises(ValueError, match=r"not finite .*: the rule of layer 'odd', of type Gated, returned such numbers"):
        deconvnet.project(IMAGES, "top", 1)


def test_open_sizes_are_checked_when_they_are_known():
    class Fixed(layers.Layer):
        def call(self, inputs):
            return ops.reshape(ops.reshape(inputs, (-1, 7 * 6 * 4)), (-1, 7, 6, 4)) * 1

    image = keras.Input((None, None, 3))
    model = keras.Model(image, Fixed(name="odd")(layers.Conv2D(4, 3)(image)))
    deconvnet = Deconvnet(model, rules={"odd": lambda layer, signal, inputs: signal[..., :2]})
    with pytest.raises(ValueError, match="The rule '<lambda>' of layer 'odd', of type Fixed, returns a signal of shape"):
        deconvnet.project(IMAGES, "odd", 1)


def test_layer_of_several_results_is_refused():
    image = keras.Input((9, 8, 4))
    model = keras.Model(image, ops.split(image, 2, axis=-1))
    name = model.operations[-1].name
    with pytest.raises(ValueError, match="is of type Split and returns 2 tensors; a rule is for layers that return one"):
        Deconvnet(model, rules={name: "linear"})
