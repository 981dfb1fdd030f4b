import keras
import numpy as np
import pytest
import tensorflow as tf

import zfnet
from zfnet.model.methods.gradients import activation_gradients

layers = keras.layers


def net(layout="channels_last", activation="relu", dtype="float32"):
    keras.utils.set_random_seed(3)
    sees = {"data_format": layout, "dtype": dtype}
    return keras.Sequential(
        [
            keras.Input((3, 20, 20) if layout == "channels_first" else (20, 20, 3), dtype=dtype),
            layers.Rescaling(1 / 128, -1, dtype=dtype),
            layers.Conv2D(6, 5, activation=activation, name="conv1", **sees),
            layers.MaxPooling2D(2, name="pool1", **sees),
            layers.Conv2D(5, 3, activation=activation, name="conv2", **sees),
            layers.Flatten(**sees),
            layers.Dense(3, activation="softmax", dtype=dtype, name="classes"),
        ]
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (3, 20, 20, 3)).astype("float32")


@pytest.mark.parametrize(("layer", "position"), [("conv1", (4, 7)), ("pool1", (3, 3)), ("conv2", (2, 5)), ("classes", None)])
def test_the_gradient_by_differences(images, layer, position):
    """In float64, since differences of float32 are rough."""
    deconvnet = zfnet.Deconvnet(net(dtype="float64"))
    image = images[:1]
    activations = np.asarray(deconvnet.activations(image, [layer])[0])[0]
    unit = int((activations[position] if position else activations).argmax())
    found = activation_gradients(deconvnet, image, layer, unit, position and [position])[0]
    random = np.random.default_rng(1)
    directions = random.normal(size=(4, 20, 20, 3))
    step = 1e-4
    for direction in directions:
        ends = np.stack([image[0] + step * direction, image[0] - step * direction])
        values = np.asarray(deconvnet.activations(ends, [layer])[0])[(slice(None), *(position or ()), unit)]
        np.testing.assert_allclose((values[0] - values[1]) / (2 * step), (found * direction).sum(), rtol=1e-3, atol=1e-9)


def test_guided_backpropagation_as_of_a_net_with_guided_relus(images):
    """The usual recipe: the same net, whose activation has a gradient of its own."""

    @tf.custom_gradient
    def guided(maps):
        return tf.nn.relu(maps), lambda signal: tf.where((maps > 0) & (signal > 0), signal, 0)

    model, other = net(), net(activation=guided)
    other.set_weights(model.get_weights())
    deconvnet = zfnet.Deconvnet(model)
    maps = keras.Model(other.inputs[0], other.get_layer("conv2").output)
    units = [0, 2, 4]
    given = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(given)
        values = maps(given)
        strongest = tf.stack([tf.reduce_max(values[number, ..., unit]) for number, unit in enumerate(units)])
    expected = tape.gradient(strongest, given).numpy()
    found = activation_gradients(deconvnet, images, "conv2", units, guided=True)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    assert np.abs(found - activation_gradients(deconvnet, images, "conv2", units)).max() > 1e-4


def test_channels_first_is_the_same(images):
    last, first = (zfnet.Deconvnet(net(layout)) for layout in ("channels_last", "channels_first"))
    for own, other in zip(last.model.layers[:4], first.model.layers[:4], strict=True):
        other.set_weights(own.get_weights())
    one = activation_gradients(last, images, "conv2", 1, guided=True)
    other = activation_gradients(first, images.transpose(0, 3, 1, 2), "conv2", 1, guided=True)
    np.testing.assert_allclose(one, other.transpose(0, 2, 3, 1), rtol=1e-3, atol=1e-6)


def test_errors(images):
    with pytest.raises(ValueError, match="There is no unit 5 in layer 'conv2'"):
        activation_gradients(zfnet.Deconvnet(net()), images, "conv2", 5)
