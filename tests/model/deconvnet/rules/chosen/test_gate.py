"""Gates as constants: the factor of the signal computed by hand, and whole blocks by autodiff."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.rules.rule import Frozen

SHAPE = (6, 5, 4)
IMAGES, SIGNAL = (np.random.default_rng(seed).normal(size=(2, *SHAPE)).astype("float32") for seed in range(2))
IMAGES[0, 0] = 0
IMAGE = keras.Input(SHAPE)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


# The factor g(x) of activations x g(x), written down anew.
FACTORS = {
    "silu": sigmoid,
    "gelu": lambda values: (1 + np.vectorize(math.erf)(values / math.sqrt(2))) / 2,
    "hard_silu": lambda values: np.clip(values + 3, 0, 6) / 6,
    "mish": lambda values: np.tanh(np.log1p(np.exp(values))),
    "relu": lambda values: values > 0,
    "tanh": lambda values: np.tanh(values) / np.where(values == 0, np.inf, values) + (values == 0),
}


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, form) for name in FACTORS for form in ("activation", "operation") if form == "activation" or hasattr(ops, name)],
)
def test_factor_of_an_activation(name, form):
    image, function = keras.Input(SHAPE), getattr(keras.activations, name)
    # By default the operation `gelu` is an approximation.
    exact = {"approximate": False} if name == "gelu" else {}
    model = keras.Model(image, layers.Activation(name)(image) if form == "activation" else getattr(ops, name)(image, **exact))
    (operation,) = Deconvnet(model, rules={function: "fixed-gate"}).graph.operations
    (found,) = tf.function(lambda signal, inputs: operation.rule.backward(signal, [SHAPE], [inputs]))(SIGNAL, IMAGES)
    expected = SIGNAL * FACTORS[name](IMAGES.astype("float64"))
    # A ReLU has no slope at 0.
    known = IMAGES != 0 if name == "relu" else np.ones(IMAGES.shape, bool)
    np.testing.assert_allclose(found.numpy()[known], expected[known], atol=1e-5)


@pytest.mark.parametrize("name", ["softplus", "exponential", "sigmoid_like"])
def test_a_function_that_is_not_0_at_0_is_refused(name):
    function = (lambda values: ops.sigmoid(values)) if name == "sigmoid_like" else getattr(keras.activations, name)
    model = keras.Sequential([keras.Input(SHAPE), layers.Activation(function, name="odd"), layers.Conv2D(2, 1)])
    with pytest.raises(ValueError, match=r"'odd' is of type Activation; the rule 'fixed-gate' is .* that are 0 at 0"):
        Deconvnet(model, rules={function: "fixed-gate"})


def squeeze_and_excitation(maps, activation="sigmoid"):
    gate = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    gate = layers.Conv2D(3, 1, activation="relu", name="squeeze")(gate)
    return layers.Conv2D(maps.shape[-1], 1, activation=activation, name="excite")(gate)


def dense_gate(maps):
    gate = layers.Dense(maps.shape[-1], activation="sigmoid")(layers.GlobalAveragePooling2D()(maps))
    return layers.Reshape((1, 1, maps.shape[-1]))(gate)


def spatial_gate(maps):
    return layers.Conv2D(1, 3, padding="same", activation="sigmoid")(maps)


def hard_gate(maps):
    return layers.ReLU(6.0)(squeeze_and_excitation(maps, None) + 3.0) * (1.0 / 6.0)


# The gate of some maps, of which the product is made.
GATES = {
    "squeeze and excitation": squeeze_and_excitation,
    "dense layers": dense_gate,
    "of places": spatial_gate,
    "of every value": lambda maps: layers.Conv2D(maps.shape[-1], 1, activation="sigmoid")(maps),
    "by a piecewise linear sigmoid": hard_gate,
    "from another branch": lambda maps: layers.Activation("sigmoid")(layers.Conv2D(4, 1, name="other")(IMAGE)),
}


def net(gate, product=None):
    keras.utils.set_random_seed(2)
    maps = layers.Conv2D(4, 3, padding="same", activation="relu", name="bottom")(IMAGE)
    made = GATES[gate](maps) if isinstance(gate, str) else gate(maps)
    gated = (product or layers.Multiply(name="gated"))([maps, made])
    return keras.Model(IMAGE, layers.Conv2D(3, 3, name="top")(gated)), keras.Model(IMAGE, made)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("product", ["layer", "operation", "reversed"])
def test_product_equals_that_with_a_constant(gate, product):
    made = {"layer": None, "operation": lambda pair: pair[0] * pair[1], "reversed": lambda pair: ops.multiply(pair[1], pair[0])}[product]
    model, gate_alone = net(gate, made)
    bottom, top = (model.get_layer(name) for name in ("bottom", "top"))
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        signal = tf.nn.conv2d(images, bottom.kernel, 1, "SAME") + bottom.bias
        # The signal of a rectifier is rectified; the gate is a number.
        rectify = tf.custom_gradient(lambda values: (tf.nn.relu(values), tf.nn.relu))
        maps = top(rectify(signal) * tf.stop_gradient(gate_alone(images)))
        single = tf.reduce_max(maps[..., 1], axis=(1, 2))
        total = tf.reduce_sum(single * tf.stop_gradient(single))
    expected = tape.gradient(total, images).numpy()
    deconvnet = Deconvnet(model, unsupported="literature")
    np.testing.assert_allclose(deconvnet.record(IMAGES).activations("top"), maps, atol=1e-5)
    np.testing.assert_allclose(deconvnet.project(IMAGES, "top", 1), expected, atol=1e-5 * np.abs(expected).max())


def test_gate_as_large_as_the_maps_is_found_by_what_it_is_computed_from():
    image = keras.Input((1, 1, 4))
    model = keras.Model(image, layers.Multiply(name="gated")([squeeze_and_excitation(image), image]))
    rule = Deconvnet(model, unsupported="literature").graph.operations[-1].rule
    assert (type(rule), rule.gates) == (Frozen, (0,))


def test_chosen_for_one_product_its_sigmoid_needs_no_rule():
    model, _ = net("squeeze and excitation")
    expected = Deconvnet(model, unsupported="literature").project(IMAGES, "top", 1)
    for key in ("gated", layers.Multiply):
        np.testing.assert_array_equal(Deconvnet(model, rules={key: "fixed-gate"}).project(IMAGES, "top", 1), expected)


def test_units_depend_on_the_whole_image_through_a_gate():
    model, _ = net("squeeze and excitation")
    assert receptive_field(Deconvnet(model, unsupported="literature"), "top").size == SHAPE[:2]
    model, _ = net("of places")
    assert receptive_field(Deconvnet(model, unsupported="literature"), "bottom").size == (3, 3)


def test_name_of_the_gate_is_its_output():
    model, gate = net("squeeze and excitation")
    deconvnet = Deconvnet(model, unsupported="literature")
    np.testing.assert_allclose(deconvnet.activations(IMAGES, ["excite"])[0], gate(IMAGES), atol=1e-6)


UNCLEAR = {
    "square": lambda maps: maps,
    "two branches": lambda maps: layers.Conv2D(4, 1)(IMAGE),
}


@pytest.mark.parametrize("gate", UNCLEAR)
def test_no_signal_is_guessed(gate):
    model, _ = net(UNCLEAR[gate])
    with pytest.raises(ValueError, match="'gated' is of type Multiply, for which no deconvnet is defined") as raised:
        Deconvnet(model, unsupported="literature")
    assert 'unsupported="literature"' not in str(raised.value)
    with pytest.raises(ValueError, match="'gated' is of type Multiply, and it is not clear which of its 2 inputs is the signal"):
        Deconvnet(model, rules={"gated": "fixed-gate"})


def test_a_sigmoid_that_is_no_gate_is_refused():
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, activation="sigmoid", name="odd"), layers.Conv2D(2, 1)])
    with pytest.raises(ValueError, match="'odd' is a softmax or sigmoid below other layers"):
        Deconvnet(model, unsupported="literature")
    deconvnet = Deconvnet(model, rules={keras.activations.sigmoid: "gradient"})
    np.testing.assert_array_equal(
        deconvnet.project(IMAGES, model.layers[-1].name, 1),
        Deconvnet(model, unsupported="gradient").project(IMAGES, model.layers[-1].name, 1),
    )
