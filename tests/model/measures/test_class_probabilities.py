import keras
import numpy as np
import pytest
from keras import layers

from zfnet.model import Deconvnet
from zfnet.model.measures.class_probabilities import class_count, class_layer, class_probabilities


def deconvnet_of(*last):
    return Deconvnet(keras.Sequential([keras.Input((4, 6, 3)), layers.Flatten(), *last]), "gradient")


def two_heads(**heads):
    """A model with several outputs, in this order, each of one or more layers."""
    image = keras.Input((4, 6, 3))
    maps = layers.Conv2D(8, 3, activation="relu", name="maps")(image)
    outputs = []
    for head in heads.values():
        value = maps if head and isinstance(head[0], layers.Conv2D) else layers.GlobalAveragePooling2D()(maps)
        for layer in head:
            value = layer(value)
        outputs.append(value)
    return Deconvnet(keras.Model(image, outputs))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(5, 4, 6, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(3, activation="softmax")],
        [layers.Dense(3), layers.Softmax()],
        [layers.Dense(3, activation="sigmoid")],
        [layers.Dense(3, activation="softmax"), layers.Dropout(0.5)],
        [layers.Dense(3), layers.Activation("softmax"), layers.Activation("linear", dtype="float32")],
        [layers.Dense(3, activation="sigmoid"), layers.Activation("linear", dtype="float32")],
        [layers.Reshape((4, 6, 3)), layers.Conv2D(3, (4, 6)), layers.Softmax(), layers.Flatten()],
    ],
    ids=["softmax", "softmax-layer", "sigmoid", "probabilities", "mixed precision", "linear", "map of one position"],
)
def test_are_what_the_model_gives(last, images):
    deconvnet = deconvnet_of(*last)
    (values,) = deconvnet.activations(images, [class_layer(deconvnet)])
    found = class_probabilities(deconvnet, values)
    assert class_count(deconvnet) == 3
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, deconvnet.model.predict(images, verbose=0), rtol=1e-5)


@pytest.mark.parametrize("above", [[], [layers.Identity(), layers.Reshape((1, 3)), layers.Flatten()]], ids=["logits", "and no change"])
def test_logits_get_their_softmax(above, images):
    deconvnet = deconvnet_of(layers.Dense(3), *above)
    (values,) = deconvnet.activations(images, [class_layer(deconvnet)])
    logits = deconvnet.model.predict(images, verbose=0).astype(float)
    np.testing.assert_allclose(class_probabilities(deconvnet, values), np.exp(logits) / np.exp(logits).sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(
    "last",
    [[layers.Dense(1, "sigmoid")], [layers.Dense(1), layers.Activation("sigmoid")]],
)
def test_one_sigmoid_is_two_classes(last, images):
    deconvnet = deconvnet_of(*last)
    (values,) = deconvnet.activations(images, [class_layer(deconvnet)])
    second = deconvnet.model.predict(images, verbose=0).astype(float)
    assert class_count(deconvnet) == 2
    np.testing.assert_allclose(class_probabilities(deconvnet, values), np.concatenate([1 - second, second], axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    "last",
    [
        [layers.Conv2D(2, 3)],
        [layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()],
        [layers.Flatten(), layers.Dense(1)],
        [layers.Flatten(), layers.Dense(1, activation="softmax")],
        [layers.Flatten(), layers.Dense(8, activation="relu")],
        [layers.Flatten(), layers.Dense(8), layers.Activation("relu")],
        [layers.Flatten(), layers.Dense(8, activation="tanh")],
        [layers.Conv2D(2, 3), layers.Softmax(), layers.Flatten()],
    ],
    ids=["maps", "pooled", "one number", "a softmax that is 1", "features", "features by a layer", "tanh", "a map of softmaxes"],
)
def test_a_model_without_classes_has_none(last):
    deconvnet = Deconvnet(keras.Sequential([keras.Input((4, 6, 3)), *last]), "gradient")
    assert class_layer(deconvnet) is None
    assert class_count(deconvnet) == 0
    with pytest.raises(ValueError, match="has no classes: expected one output from a softmax"):
        class_probabilities(deconvnet, np.zeros((1, 8)))


def test_pooled_maps_with_a_softmax_are_classes():
    last = [layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Softmax()]
    assert class_layer(Deconvnet(keras.Sequential([keras.Input((4, 6, 3)), *last]))) is not None


HEADS = {
    "boxes": lambda: {"classes": [layers.Dense(5, "softmax", name="scores")], "box": [layers.Dense(4)]},
    "boxes of 0..1": lambda: {"classes": [layers.Dense(5), layers.Softmax(name="scores")], "box": [layers.Dense(4, "sigmoid")]},
    "boxes of a layer of their own": lambda: {
        "classes": [layers.Dense(5, "softmax", name="scores")],
        "box": [layers.Dense(6, "relu"), layers.Dense(4)],
    },
    "tags and boxes": lambda: {"classes": [layers.Dense(5, "sigmoid", name="scores")], "box": [layers.Dense(4)]},
    "age": lambda: {"classes": [layers.Dense(5, "softmax", name="scores")], "age": [layers.Dense(1)]},
    "an object": lambda: {"classes": [layers.Dense(5, "softmax", name="scores")], "object": [layers.Dense(1, "sigmoid")]},
    "a mask": lambda: {"classes": [layers.Dense(5, "softmax", name="scores")], "mask": [layers.Conv2D(5, 1, activation="softmax")]},
    "features": lambda: {"classes": [layers.Dense(5, "softmax", name="scores")], "features": []},
}


@pytest.mark.parametrize("reverse", [False, True], ids=["classes first", "classes last"])
@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
def test_of_several_outputs_the_one_with_classes(heads, reverse, images):
    found = heads()
    deconvnet = two_heads(**dict(reversed(found.items())) if reverse else found)
    assert class_layer(deconvnet) == "scores"
    assert class_count(deconvnet) == 5
    (values,) = deconvnet.activations(images, ["scores"])
    expected = deconvnet.model.predict(images, verbose=0)[-1 if reverse else 0]
    np.testing.assert_allclose(class_probabilities(deconvnet, values), expected, rtol=1e-4)


@pytest.mark.parametrize(
    "heads",
    [
        {"age": [layers.Dense(5, "softmax")], "emotion": [layers.Dense(7, "softmax")]},
        {"tags": [layers.Dense(2, "sigmoid")], "box": [layers.Dense(4, "sigmoid")]},
        {"logits": [layers.Dense(5)], "box": [layers.Dense(4)]},
    ],
    ids=["two softmaxes", "two sigmoids", "none"],
)
def test_of_several_outputs_none_is_guessed(heads):
    assert class_layer(two_heads(**heads)) is None


def test_one_number_an_image_is_no_class_beside_others():
    image = keras.Input((4, 6, 3))
    features = layers.Flatten()(image)
    number = keras.ops.squeeze(layers.Dense(1)(features), -1)
    deconvnet = Deconvnet(keras.Model(image, [layers.Dense(5, "softmax", name="scores")(features), number]), "gradient")
    assert class_layer(deconvnet) == "scores"
    assert class_layer(Deconvnet(keras.Model(image, number), "gradient")) is None
