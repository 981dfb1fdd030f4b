import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet
from zfnet.model.measures.class_probabilities import class_layer, class_probabilities

layers = keras.layers


def deconvnet_of(*last):
    return Deconvnet(keras.Sequential([keras.Input((4, 6, 3)), layers.Flatten(), *last]), "gradient")


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
    ],
    ids=["softmax", "softmax-layer", "sigmoid", "probabilities"],
)
def test_are_what_the_model_gives(last, images):
    deconvnet = deconvnet_of(*last)
    (values,) = deconvnet.activations(images, [class_layer(deconvnet)])
    found = class_probabilities(deconvnet, values)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, deconvnet.model.predict(images, verbose=0), rtol=1e-5)


def test_logits_get_their_softmax(images):
    deconvnet = deconvnet_of(layers.Dense(3))
    (values,) = deconvnet.activations(images, [class_layer(deconvnet)])
    logits = deconvnet.model.predict(images, verbose=0).astype(float)
    np.testing.assert_allclose(class_probabilities(deconvnet, values), np.exp(logits) / np.exp(logits).sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(
    "last",
    [[], [layers.GlobalAveragePooling2D()], [layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")]],
    ids=["maps", "pooled", "one number"],
)
def test_a_model_without_classes_has_none(last):
    assert class_layer(Deconvnet(keras.Sequential([keras.Input((4, 6, 3)), layers.Conv2D(2, 3), *last]))) is None


def test_pooled_maps_with_a_softmax_are_classes():
    last = [layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Softmax()]
    assert class_layer(Deconvnet(keras.Sequential([keras.Input((4, 6, 3)), *last]))) is not None
