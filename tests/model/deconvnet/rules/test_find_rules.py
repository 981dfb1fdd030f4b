"""What a deconvnet is not defined for: refused by name, or brought down by its plain gradient."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zfnet.model import Deconvnet

IMAGES = np.random.default_rng(0).normal(size=(2, 9, 12, 3)).astype("float32")


class Doubling(layers.ReLU):
    def call(self, inputs):
        return 2 * inputs


class Squared(layers.Layer):
    def call(self, inputs):
        return inputs * abs(inputs)


def attention(maps):
    tokens = layers.Reshape((-1, 6))(maps)
    return layers.Reshape((9, 12, 6))(layers.MultiHeadAttention(2, 3, name="odd")(tokens, tokens))


def squeeze_and_excitation(maps):
    gate = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    gate = layers.Conv2D(3, 1, activation="relu", name="squeeze")(gate)
    gate = layers.Conv2D(6, 1, activation="sigmoid", name="excite")(gate)
    return layers.Multiply(name="odd")([maps, gate])


REFUSED = {
    "swish as argument": (
        layers.Conv2D(6, 3, activation="swish", name="odd"),
        "'odd' is of type Conv2D, with the activation 'silu'.*leaky_relu",
    ),
    "swish layer": (layers.Activation("swish", name="odd"), "'odd' is of type Activation, with the activation 'silu'.*one of linear, relu"),
    "elu": (layers.ELU(name="odd"), "'odd' is of type ELU, for which no deconvnet is defined; expected one of Activation.*, Conv2D"),
    "attention": (attention, "'odd' is of type MultiHeadAttention"),
    "squeeze and excitation": (
        squeeze_and_excitation,
        r"'odd' is of type Multiply, for which no deconvnet is defined.*\(model, unsupported=\"literature\"\) uses the rule that later",
    ),
    "product": (lambda maps: layers.Multiply(name="odd")([maps, maps]), "'odd' is of type Multiply"),
    "softmax below others": (layers.Softmax(name="odd"), "'odd' is a softmax or sigmoid below other layers"),
    "softmax as argument": (layers.Conv2D(6, 1, activation="softmax", name="odd"), "'odd' is a softmax or sigmoid below"),
    "layer normalization": (layers.LayerNormalization(name="odd"), "'odd' is of type LayerNormalization"),
    "own layer": (Squared(name="odd"), "'odd' is of type Squared"),
    "subclass": (Doubling(name="odd"), "'odd' is of type Doubling"),
}
OPERATIONS = {
    "sum": lambda x, y: x + y,
    "sum with itself": lambda x, y: x + x,
    "sum with a number": lambda x, y: 3 + x,
    "difference": lambda x, y: y - x,
    "difference to a number": lambda x, y: 1 - x,
    "negative": lambda x, y: -x,
    "product with a number": lambda x, y: x * 2,
    "product with a negative number": lambda x, y: -0.5 * x,
    "product with numbers": lambda x, y: ops.multiply(x, np.array([1, -2, 3, 0.5], "float32")),
    "quotient": lambda x, y: x / 2,
    "concatenation": lambda x, y: ops.concatenate([x, y], axis=-1),
    "concatenation of rows": lambda x, y: ops.concatenate([x, y], axis=1),
    "reshaping": lambda x, y: ops.reshape(x, (-1, 12, 9, 4)),
    "mean": lambda x, y: ops.mean(x, axis=(1, 2)),
    "relu": lambda x, y: ops.relu(x - y),
    "relu6": lambda x, y: ops.relu6(10 * (x - y)),
    "leaky relu": lambda x, y: ops.leaky_relu(x - y),
    "relu activation": lambda x, y: keras.activations.relu(x - y),
    "leaky relu activation": lambda x, y: keras.activations.leaky_relu(x - y, 0.3),
    "bounded relu activation": lambda x, y: keras.activations.relu(x - y, max_value=0.5, threshold=0.1),
}
OPERATIONS_REFUSED = {
    "product of two activations": (lambda x, y: x * y, r"'multiply.*' is the product of two activations.*expected one of a product with"),
    "square": (lambda x, y: x * x, "is the product of two activations"),
    "quotient by an activation": (lambda x, y: 2 / (1 + x), r"'true_divide.*' divides by an activation"),
    "quotient of two activations": (lambda x, y: x / (1 + y), "divides by an activation"),
    "another operation": (
        lambda x, y: ops.exp(x),
        r"'exp.*' is of type Exp, for which no deconvnet is defined; expected one of a linear operation, a relu, .*docs/deconvnet.md",
    ),
}


def model_of(middle):
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES.shape[1:])
    maps = layers.Conv2D(6, 3, padding="same", activation="relu", name="bottom")(image)
    return keras.Model(image, layers.Conv2D(4, 2, activation="relu", name="top")(middle(maps)))


@pytest.mark.parametrize("kind", REFUSED)
def test_is_refused_by_name_and_type(kind):
    middle, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message) as raised:
        Deconvnet(model_of(middle))
    assert 'It would need a backward rule. Deconvnet(model, unsupported="gradient")' in str(raised.value)


@pytest.mark.parametrize("kind", REFUSED)
def test_or_comes_down_by_its_plain_gradient(kind, equals_autodiff):
    equals_autodiff(Deconvnet(model_of(REFUSED[kind][0]), unsupported="gradient"), IMAGES, ["bottom", "top"])


def test_relus_around_it_are_still_rectified(by_autodiff):
    model = model_of(squeeze_and_excitation)
    projected = Deconvnet(model, unsupported="gradient").project(IMAGES, "top", 1)
    plain = by_autodiff(model, IMAGES, "gradient")
    assert np.abs(projected - plain.project(plain.value("top"), 1)).max() > 0.1 * np.abs(projected).max()


def test_another_choice_is_refused():
    with pytest.raises(ValueError, match="unsupported is 'ignore'; expected one of error, literature, gradient"):
        Deconvnet(model_of(layers.Identity()), unsupported="ignore")


def test_layers_laid_out_otherwise_than_the_rest_are_refused():
    image = keras.Input((3, 9, 12))
    maps = layers.Conv2D(6, 3, data_format="channels_first")(image)
    model = keras.Model(image, layers.MaxPooling2D(2, data_format="channels_last", name="odd")(maps))
    with pytest.raises(ValueError, match="'odd' is of type MaxPooling2D, channels_last in a channels_first model"):
        Deconvnet(model)


def linear(inputs):
    return inputs**2


def test_a_function_of_a_users_own_is_not_taken_for_keras_own_of_that_name():
    model = keras.Sequential([keras.Input((8, 6, 3)), keras.layers.Conv2D(2, 3, activation=linear, name="conv")])
    with pytest.raises(ValueError, match="'conv' is of type Conv2D, with the activation 'linear', for which no deconvnet"):
        Deconvnet(model)


def test_quantized_weights_are_refused():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="dense")])
    model.layers[0].quantize("int8")
    with pytest.raises(ValueError, match="'dense' is of type Dense, quantized to int8"):
        Deconvnet(model)


def test_name_of_a_sigmoid_below_other_layers_is_its_output():
    image = keras.Input((8, 6, 3))
    gate = keras.layers.Conv2D(2, 3, activation="sigmoid", name="gate")(image)
    model = keras.Model(image, keras.layers.Multiply(name="product")([gate, gate]))
    images = np.random.default_rng(0).normal(size=(2, 8, 6, 3)).astype("float32")
    (activations,) = Deconvnet(model, unsupported="gradient").activations(images, ["gate"])
    assert 0 < np.min(activations) < np.max(activations) < 1


def operations_model_of(middle):
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES.shape[1:])
    one, other = (layers.Conv2D(4, 3, padding="same", activation="relu")(image) for _ in range(2))
    signal = middle(one, other)
    top = layers.Conv2D(4, 2, name="top") if len(signal.shape) == 4 else layers.Dense(4, name="top")
    return keras.Model(image, top(signal))


@pytest.mark.parametrize("kind", OPERATIONS)
def test_projections_equal_autodiff(kind, equals_autodiff):
    equals_autodiff(operations_model_of(OPERATIONS[kind]), IMAGES, ["top"])


@pytest.mark.parametrize("kind", OPERATIONS_REFUSED)
def test_what_is_not_linear_is_refused(kind):
    middle, message = OPERATIONS_REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        Deconvnet(operations_model_of(middle))


@pytest.mark.parametrize("kind", OPERATIONS_REFUSED)
def test_or_takes_its_plain_gradient(kind, equals_autodiff):
    equals_autodiff(Deconvnet(operations_model_of(OPERATIONS_REFUSED[kind][0]), unsupported="gradient"), IMAGES, ["top"])


def test_softmax_as_an_operation_stands_for_its_logits():
    image = keras.Input(IMAGES.shape[1:])
    logits = layers.Dense(4, name="logits")(layers.Flatten()(image))
    deconvnet = Deconvnet(keras.Model(image, ops.softmax(logits)))
    (name,) = set(deconvnet.layers) - {"flatten", "logits"} - {layer for layer in deconvnet.layers if layer.startswith("flatten")}
    np.testing.assert_array_equal(deconvnet.project(IMAGES, name, 2), deconvnet.project(IMAGES, "logits", 2))
