"""Layers of 16 bits: a projection that float16 cannot hold is that of the same weights in 32 bits."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zfnet.model import Deconvnet

SIZE = (8, 8, 3)
IMAGES = np.random.default_rng(0).uniform(1, 2, size=(2, *SIZE)).astype("float32")


class Halved(layers.Layer):
    def call(self, inputs):
        return ops.cast(ops.cast(inputs, "float16") / 2, "float32")


MIDDLE = {
    "batch normalization": lambda policy: [layers.BatchNormalization(dtype=policy)],
    "average pool": lambda policy: [layers.AveragePooling2D(2, dtype=policy)],
    "average pool, same": lambda policy: [layers.AveragePooling2D(3, 1, "same", dtype=policy)],
    "zero padding": lambda policy: [layers.ZeroPadding2D(1, dtype=policy)],
    "upsampling": lambda policy: [layers.UpSampling2D(2, dtype=policy)],
    "rescaling": lambda policy: [layers.Rescaling(0.5, dtype=policy)],
    "normalization": lambda policy: [layers.Normalization(mean=[1, 2, 3], variance=[1, 2, 3], dtype=policy)],
    "relus": lambda policy: [layers.PReLU(dtype=policy), layers.ReLU(dtype=policy), layers.Activation(layers.ReLU(dtype=policy))],
    "transposed convolution": lambda policy: [layers.Conv2DTranspose(3, 2, dtype=policy)],
    "permute and reshape": lambda policy: [layers.Permute((2, 1, 3), dtype=policy), layers.Reshape((4, 16, 3), dtype=policy)],
    "sum with itself": lambda policy: [lambda x: layers.Add(dtype=policy)([x, x])],
    "concatenation with itself": lambda policy: [lambda x: layers.Concatenate(dtype=policy)([x, x])],
}


def net(policy, middle):
    keras.utils.set_random_seed(3)
    image = signal = keras.Input(SIZE)
    for layer in middle(policy):
        signal = layer(signal)
    # In 32 bits, so that the activation is finite.
    top = layers.Conv2D(2, 3, kernel_initializer=keras.initializers.RandomUniform(1e3, 2e3), name="top", dtype="float32")
    return keras.Model(image, top(signal))


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
@pytest.mark.parametrize("kind", MIDDLE)
def test_what_float16_cannot_hold_is_that_of_float32(kind, policy):
    half, single = net(policy, MIDDLE[kind]), net("float32", MIDDLE[kind])
    single.set_weights([weight.astype("float32") for weight in half.get_weights()])
    expected, found = (Deconvnet(model).record(IMAGES) for model in (single, half))
    # A Normalization has its statistics in 16 bits.
    tolerance = 2e-3 if kind == "normalization" else 1e-5
    np.testing.assert_allclose(found.activations("top"), expected.activations("top"), rtol=tolerance)
    projection = expected.project("top", 1)
    largest = np.abs(projection).max()
    assert largest > np.finfo(np.float16).max
    np.testing.assert_allclose(found.project("top", 1), projection, rtol=tolerance, atol=tolerance * largest)


def test_the_model_keeps_its_policy_and_a_projection_its_weights():
    model = net("mixed_float16", MIDDLE["batch normalization"])
    deconvnet = Deconvnet(model)
    once = deconvnet.project(IMAGES, "top", 1, (0, 0))
    layer = model.layers[1]
    assert (layer.compute_dtype, model(IMAGES).dtype) == ("float16", "float32")
    assert layer(IMAGES).dtype == "float16"
    layer.gamma.assign(2 * layer.gamma)
    # Both the activation and the way down have the factor, nothing is added.
    np.testing.assert_allclose(deconvnet.project(IMAGES, "top", 1, (0, 0)), 4 * once, rtol=1e-4)


def test_images_of_float16_are_computed_in_32_bits():
    image = keras.Input(SIZE, dtype="float16")
    top = layers.Conv2D(2, 3, kernel_initializer=keras.initializers.RandomUniform(1e3, 2e3), name="top", dtype="float32")
    deconvnet = Deconvnet(keras.Model(image, top(image)))
    projection = deconvnet.project(IMAGES.astype("float16"), "top", 1)
    assert projection.dtype == np.float32
    assert np.finfo(np.float16).max < projection.max() < np.inf


def test_where_it_cannot_be_held_the_layer_is_named():
    deconvnet = Deconvnet(net("float16", lambda policy: [Halved(dtype=policy, name="odd")]), unsupported="gradient")
    with pytest.raises(ValueError, match=r"layer 'top' is not finite.* layer 'odd', of type Halved, .* largest number is 65504"):
        deconvnet.project(IMAGES, "top", 1)
