"""Calls with a fixed `training=True`: another net, by chance or by the other images of a batch, so refused."""

import keras
import numpy as np
import pytest
from keras import layers

from zfnet.model import Deconvnet

IMAGES = np.random.default_rng(0).normal(3, 5, size=(4, 8, 8, 3)).astype("float32")


@keras.saving.register_keras_serializable()
class Noisy(layers.Layer):
    def call(self, inputs, training=False):
        return inputs + 1 if training else inputs


def model_of(middle):
    keras.utils.set_random_seed(3)
    image = keras.Input(IMAGES.shape[1:])
    return keras.Model(image, layers.Conv2D(4, 3, name="top")(middle(image)))


def nested(*inner, **named):
    return lambda x: keras.Sequential([keras.Input(IMAGES.shape[1:]), *inner], name="inner")(x, **named)


def always(layer):
    return lambda x: layer(x, training=True)


REFUSED = {
    "batch normalization": always(layers.BatchNormalization(name="odd")),
    "dropout": always(layers.Dropout(0.5, name="odd")),
    "noise": always(layers.GaussianNoise(1.0, name="odd")),
    "spectral normalization": always(layers.SpectralNormalization(layers.Conv2D(3, 3), name="odd")),
    "own layer": always(Noisy(name="odd")),
    "in a model called so": nested(layers.Conv2D(3, 3), layers.BatchNormalization(name="odd"), training=True),
    "random layer in a model called so": nested(layers.RandomFlip(name="odd"), training=True),
    "in a model": lambda x: keras.Model(x2 := keras.Input(IMAGES.shape[1:]), layers.Dropout(0.5, name="odd")(x2, training=True))(x),
}
ALLOWED = {
    "false": lambda x: layers.BatchNormalization()(x, training=False),
    "frozen": always(layers.BatchNormalization(trainable=False)),
    "dense": nested(layers.Dense(3), layers.BatchNormalization(trainable=False), training=True),
    "random": layers.RandomFlip(),
    "a model around it says false": lambda x: keras.Sequential(
        [keras.Input(IMAGES.shape[1:]), keras.Model(x2 := keras.Input(IMAGES.shape[1:]), layers.Dropout(0.5)(x2, training=True))]
    )(x, training=False),
}


@pytest.mark.parametrize("unsupported", ["error", "gradient"])
@pytest.mark.parametrize("kind", REFUSED)
def test_fixed_training_is_refused(kind, unsupported):
    with pytest.raises(ValueError, match=r"'odd' is of type .* called with training=True: what the model gives .* Build the model without"):
        Deconvnet(model_of(REFUSED[kind]), unsupported)


def test_saved_and_loaded_too(tmp_path):
    model_of(REFUSED["batch normalization"]).save(tmp_path / "net.keras")
    with pytest.raises(ValueError, match="'odd' is of type BatchNormalization and is called with training=True"):
        Deconvnet(keras.saving.load_model(tmp_path / "net.keras"))


@pytest.mark.parametrize("kind", ALLOWED)
def test_what_does_the_same_in_training_or_is_not_fixed_is_the_model(kind):
    model = model_of(ALLOWED[kind])
    found = Deconvnet(model).record(IMAGES).activations("top")
    np.testing.assert_allclose(found, model(IMAGES, training=False), rtol=1e-4, atol=1e-4)
    if kind in ("frozen", "dense"):
        np.testing.assert_allclose(found, model(IMAGES), rtol=1e-4, atol=1e-4)


def test_built_without_it_and_with_its_weights_it_is_a_model_to_look_into():
    odd = model_of(REFUSED["batch normalization"])
    same = model_of(layers.BatchNormalization(name="odd"))
    same.set_weights(odd.get_weights())
    np.testing.assert_allclose(Deconvnet(same).record(IMAGES).activations("top"), odd(IMAGES, training=False), rtol=1e-4, atol=1e-4)


def test_own_layers_with_a_default_of_their_own_are_called_as_in_use():
    class Loud(layers.Layer):
        def call(self, inputs, training=True):
            return inputs * 1000 if training else inputs

    deconvnet = Deconvnet(model_of(Loud(name="loud")), unsupported="gradient")
    np.testing.assert_array_equal(deconvnet.record(IMAGES).activations("loud"), IMAGES)
