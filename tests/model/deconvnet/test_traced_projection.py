"""Against the projections that numpy chooses and windows bring down."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build
from zfnet.model.deconvnet.traced_projection import STRONGEST, traced_projection

IMAGES = np.random.default_rng(0).uniform(-100, 100, (2, 64, 64, 3)).astype("float32")


@pytest.fixture(scope="module")
def deconvnet():
    return Deconvnet(build("zfnet-small", (64, 64, 3), 4, seed=1))


@pytest.fixture(scope="module")
def project(deconvnet):
    return tf.function(traced_projection(deconvnet), input_signature=[tf.TensorSpec((64, 64, 3)), *[tf.TensorSpec((), tf.int32)] * 2])


def test_equals_the_deconvnet_in_every_layer(deconvnet, project):
    recording = deconvnet.record(IMAGES[:1])
    for number, layer in enumerate(deconvnet.layers):
        activations = recording.activations(layer).numpy()[0]
        for unit in (0, activations.shape[-1] - 1):
            traced = project(IMAGES[0], number, unit)
            expected = recording.project(layer, unit)[0]
            np.testing.assert_allclose(traced.projection, expected, atol=1e-5 * max(np.abs(expected).max(), 1e-6), err_msg=layer)
            maps = activations[..., unit]
            assert float(traced.activation) == pytest.approx(maps.max(), rel=1e-5)
            assert traced.unit == unit
            place = np.unravel_index(maps.argmax(), maps.shape) if maps.ndim else (0, 0)
            assert tuple(traced.position.numpy()) == tuple(place)


def test_strongest_unit(deconvnet, project):
    recording = deconvnet.record(IMAGES)
    for layer in ("conv5", "fc7"):
        activations = recording.activations(layer).numpy()[1]
        traced = project(IMAGES[1], deconvnet.layers.index(layer), STRONGEST)
        assert traced.unit == np.unravel_index(activations.argmax(), activations.shape)[-1]
        assert float(traced.activation) == pytest.approx(activations.max(), rel=1e-5)


def test_through_branches():
    def convolution(name, seed):
        initializer = keras.initializers.HeNormal(seed)
        return keras.layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer=initializer, name=name)

    inputs = keras.Input((16, 16, 3))
    first = convolution("first", 1)(inputs)
    second = convolution("second", 2)(first)
    summed = keras.layers.Add(name="summed")([first, second])
    deconvnet = Deconvnet(keras.Model(inputs, keras.layers.MaxPooling2D(name="pool")(summed)))
    project = tf.function(traced_projection(deconvnet))
    for layer in ("first", "second", "summed", "pool"):
        traced = project(IMAGES[0, :16, :16], tf.constant(deconvnet.layers.index(layer)), tf.constant(2))
        np.testing.assert_allclose(traced.projection, deconvnet.project(IMAGES[:1, :16, :16], layer, 2)[0], atol=1e-3)


def test_needs_no_xla(project):
    definition = project.get_concrete_function().graph.as_graph_def()
    assert not [each.signature.name for each in definition.library.function if each.attr["_XlaMustCompile"].b]


def test_images_of_any_size_are_refused():
    layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)]
    with pytest.raises(ValueError, match="known size"):
        traced_projection(Deconvnet(keras.Sequential(layers)))
