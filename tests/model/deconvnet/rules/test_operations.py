import keras
import numpy as np
import pytest
from keras import layers, ops

from zfnet.model import Deconvnet

IMAGES = np.random.default_rng(0).normal(size=(2, 9, 12, 3)).astype("float32")


def model_of(middle):
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES.shape[1:])
    one, other = (layers.Conv2D(4, 3, padding="same", activation="relu")(image) for _ in range(2))
    signal = middle(one, other)
    top = layers.Conv2D(4, 2, name="top") if len(signal.shape) == 4 else layers.Dense(4, name="top")
    return keras.Model(image, top(signal))


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


@pytest.mark.parametrize("kind", OPERATIONS)
def test_projections_equal_autodiff(kind, equals_autodiff):
    equals_autodiff(model_of(OPERATIONS[kind]), IMAGES, ["top"])


REFUSED = {
    "product of two activations": (lambda x, y: x * y, r"'multiply.*' is the product of two activations.*expected one of a product with"),
    "square": (lambda x, y: x * x, "is the product of two activations"),
    "quotient by an activation": (lambda x, y: 2 / (1 + x), r"'true_divide.*' divides by an activation"),
    "quotient of two activations": (lambda x, y: x / (1 + y), "divides by an activation"),
    "another operation": (
        lambda x, y: ops.exp(x),
        r"'exp.*' is of type Exp, for which no deconvnet is defined; expected one of Add, Concatenate",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_linear_is_refused(kind):
    middle, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        Deconvnet(model_of(middle))


@pytest.mark.parametrize("kind", REFUSED)
def test_or_takes_its_plain_gradient(kind, equals_autodiff):
    equals_autodiff(Deconvnet(model_of(REFUSED[kind][0]), unsupported="gradient"), IMAGES, ["top"])


def test_softmax_as_an_operation_stands_for_its_logits():
    image = keras.Input(IMAGES.shape[1:])
    logits = layers.Dense(4, name="logits")(layers.Flatten()(image))
    deconvnet = Deconvnet(keras.Model(image, ops.softmax(logits)))
    (name,) = set(deconvnet.layers) - {"flatten", "logits"} - {layer for layer in deconvnet.layers if layer.startswith("flatten")}
    np.testing.assert_array_equal(deconvnet.project(IMAGES, name, 2), deconvnet.project(IMAGES, "logits", 2))
