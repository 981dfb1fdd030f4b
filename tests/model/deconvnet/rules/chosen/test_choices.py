"""Rules for a layer by its name, class or activation; rules for all deconvnets; windows that users give."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import zfnet
from zfnet import Deconvnet, Rule, Window, receptive_field, register
from zfnet.model.deconvnet.rules.chosen import choices

IMAGES = np.random.default_rng(0).normal(size=(2, 12, 11, 3)).astype("float32")


class Smooth(layers.Layer):
    """The mean of 3 x 3 places, in steps of 2."""

    def call(self, inputs):
        return ops.average_pool(inputs, 3, 2, "same")


class Half(layers.Layer):
    def call(self, inputs):
        return inputs / 2


class OtherHalf(Half):
    pass


@pytest.fixture(autouse=True)
def no_rules_for_all(monkeypatch):
    monkeypatch.setattr(choices, "REGISTERED", {})


def net(*middle):
    keras.utils.set_random_seed(3)
    low = [keras.Input(IMAGES.shape[1:]), layers.Conv2D(4, 3, activation="relu", name="bottom"), *middle]
    return keras.Sequential([*low, layers.Conv2D(2, 3, name="top")])


def times(factor):
    return lambda layer, signal, inputs: factor * signal


def projected(model, **arguments):
    return Deconvnet(model, **arguments).project(IMAGES, "top", 1)


def test_name_goes_before_class_and_class_before_what_is_registered():
    model = net(Half(name="half"), Half(name="other"))
    once = projected(model, rules={Half: "linear"})
    register(Half)(times(2.0))
    np.testing.assert_allclose(projected(model), 16 * once, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(projected(model, rules={Half: times(1.0)}), 4 * once, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(projected(model, rules={Half: times(1.0), "half": times(3.0)}), 12 * once, rtol=1e-4, atol=1e-6)


def test_registered_rule_is_for_exactly_this_class():
    register(Half)("linear")
    with pytest.raises(ValueError, match=r"'half' is of type OtherHalf, for which no deconvnet is defined.*see docs/own_layers.md"):
        Deconvnet(net(OtherHalf(name="half")))


def test_decorator_returns_the_function():
    def rule(layer, signal, inputs):
        return signal / 2

    assert register(Half, OtherHalf, window="point")(rule) is rule
    assert receptive_field(net(Half(), OtherHalf()), "top").size == (5, 5)


@pytest.mark.parametrize("function", [keras.activations.silu, keras.activations.swish, ops.silu, tf.nn.silu])
@pytest.mark.parametrize("form", ["argument", "layer", "operation", "of TensorFlow"])
def test_activation_of_any_library(function, form):
    image = keras.Input(IMAGES.shape[1:])
    given = {"argument": "silu", "of TensorFlow": tf.nn.silu}.get(form)
    maps = layers.Conv2D(4, 3, activation=given, name="conv")(image)
    maps = {"layer": layers.Activation("swish"), "operation": ops.silu}.get(form, lambda values: values)(maps)
    model = keras.Model(image, layers.Conv2D(2, 3, name="top")(maps))
    expected = projected(model, unsupported="literature")
    np.testing.assert_array_equal(projected(model, rules={function: "as-relu"}), expected)
    assert np.abs(projected(model, rules={function: "gradient"}) - expected).max() > 0.01 * np.abs(expected).max()


def test_relu_may_have_another_rule(by_autodiff):
    model = net()
    plain = by_autodiff(model, IMAGES, "gradient")
    expected = plain.project(plain.value("top"), 1)
    np.testing.assert_allclose(projected(model, rules={keras.activations.relu: "gradient"}), expected, atol=1e-5)


def test_layers_of_nested_models():
    inner = keras.Sequential([keras.Input((10, 9, 4)), Half(name="half")], name="inner")
    model = net(inner, Half(name="half"))
    expected = projected(model, rules={Half: "linear"})
    np.testing.assert_array_equal(projected(model, rules={"half": "linear"}), expected)
    np.testing.assert_allclose(projected(model, rules={Half: "linear", "inner/half": times(1.0)}), 2 * expected, rtol=1e-4, atol=1e-6)


UNUSED = {
    "name": ({"haff": "linear"}, "rules has a rule for layer 'haff', which the model does not have. Did you mean half"),
    "far name": ({"xyz": "linear"}, "for layer 'xyz', which the model does not have. It has: bottom, half, top"),
    "class": (
        {layers.LayerNormalization: "skip"},
        "rules has a rule for LayerNormalization, and the model has no layer of exactly this type",
    ),
    "subclass": ({OtherHalf: "linear"}, "rules has a rule for OtherHalf"),
    "activation": ({keras.activations.gelu: "as-relu"}, "rules has a rule for gelu, and the model has no layer with this activation"),
}


@pytest.mark.parametrize("kind", UNUSED)
def test_a_rule_for_a_missing_layer_is_an_error(kind):
    rules, message = UNUSED[kind]
    with pytest.raises(ValueError, match=message):
        Deconvnet(net(Half(name="half")), rules={Half: "linear", **rules})


WRONG = {
    "name": ({Half: "relu"}, "'relu' is no rule; expected one of as-relu, fixed-deviation, .*, or a function"),
    "number": ({Half: 2}, "2 is no rule"),
    "class": ({Half: Half}, "is no rule"),
    "key": ({3: "linear"}, "rules has the key 3; expected the name of a layer, a class of layers, or an activation function"),
    "window": (lambda: {Half: Rule("linear", "small")}, "'small' is no window; expected one of point, whole, a zfnet.Window"),
    "size": (lambda: {Half: Rule("linear", (3, 3))}, r"\(3, 3\) is no window"),
    "one number": (lambda: {Half: Rule("linear", Window(1, 1, 0))}, "is no window; expected as many numbers of each"),
    "uneven": (lambda: {Half: Rule("linear", Window((3, 3), (1,), (1,)))}, "is no window; expected as many numbers of each"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_rules_are_refused(kind):
    rules, message = WRONG[kind]
    with pytest.raises(ValueError, match=message):
        Deconvnet(net(Half(name="half")), rules=rules() if callable(rules) else rules)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ((times(1.0),), "is no class of layers. Expected @register"),
        ((layers.LayerNormalization,), r"LayerNormalization is a layer of Keras; .*Deconvnet\(model, rules={keras.layers.LayerNorm"),
    ],
)
def test_only_own_classes_are_registered(kinds, message):
    with pytest.raises(ValueError, match=message):
        register(*kinds)


WINDOW = Window((3, 3), strides=(2, 2), before=(None, None))


@pytest.mark.parametrize(
    "backward", ["linear", "gradient", lambda layer, signal, inputs: tf.repeat(tf.repeat(signal, 2, 1), 2, 2)[:, :10, :9]]
)
def test_given_window_makes_receptive_fields(backward):
    model = net(Smooth(name="smooth"))
    deconvnet = Deconvnet(model, rules={Smooth: Rule(backward, WINDOW)})
    same = [keras.Input(IMAGES.shape[1:]), layers.Conv2D(4, 3), layers.AveragePooling2D(3, 2, "same"), layers.Conv2D(2, 3, name="top")]
    expected = receptive_field(keras.Sequential(same), "top")
    assert receptive_field(deconvnet, "top") == expected
    with pytest.raises(ValueError, match="no single receptive field"):
        receptive_field(Deconvnet(model, rules={Smooth: backward}), "top")


def test_hint_for_an_own_rule_without_window():
    deconvnet = Deconvnet(net(Half(name="half")), rules={Half: times(1.0)})
    with pytest.raises(
        ValueError,
        match=r"Layer 'half' is of type Half: .* If they have one, give the window of this layer: zfnet.Rule\(rule, window=...\)",
    ):
        receptive_field(deconvnet, "top")
    whole = Deconvnet(net(Half()), rules={Half: Rule(times(1.0), "whole")})
    assert receptive_field(whole, "top").size == IMAGES.shape[1:3]


@pytest.mark.parametrize(
    "window", ["point", Window((1, 1), (2, 2), (0, 0)), Window((3, 2), (2, 2), (None, None)), Window((3, 3), (2, 2), (1, 1))]
)
def test_window_that_is_too_small_is_refused(window):
    with pytest.raises(ValueError, match=r"'smooth', of type Smooth: its window is given as .* depends on more"):
        Deconvnet(net(Smooth(name="smooth")), rules={Smooth: Rule("linear", window)})


class Blend(layers.Layer):
    """The mean of 3 steps of one signal, and another signal."""

    def call(self, inputs, other):
        return ops.average_pool(ops.pad(inputs, [[0, 0], [1, 1], [0, 0]]), 3, 1) + other


def test_window_of_a_layer_of_two_inputs_counts_for_both():
    signal = keras.Input((20, 3))
    both = layers.Conv1D(4, 3, padding="same")(signal), layers.Conv1D(4, 1)(signal)
    model = keras.Model(signal, Blend(name="blend")(*both))
    found = receptive_field(Deconvnet(model, rules={Blend: Rule("linear", Window((3,), (1,), (1,)))}), "blend")
    assert found == ((5,), (1,), (-2,))


def test_patches_are_cut_by_the_given_window():
    model = net(Half())
    deconvnet = Deconvnet(model, rules={Half: Rule("linear", "point")})
    windows, corners = deconvnet.project_patches(IMAGES, "top", 1, (3, 2))
    whole = deconvnet.project(IMAGES, "top", 1, (3, 2))
    assert (windows.shape[1:3], corners.tolist()) == ((5, 5), [[3, 2]] * 2)
    np.testing.assert_allclose(windows, whole[:, 3:8, 2:7], atol=1e-6)


def test_public_names():
    assert {"Rule", "Window", "register"} <= set(zfnet.__all__)
