import collections

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.pictures.sheet import filter_grid
from zfnet.components.training.callbacks.first_layer import FirstLayer
from zfnet.model import Deconvnet, strongest_activations
from zfnet.model.measures.filters import aliased_energy, filter_structure
from zfnet.model.measures.map_activations import map_activations

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(size=(5, 20, 20, 3)).astype(np.float32)


def net(size=7, activation="relu", channels=3, kills=2):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(6, size, 2, name="conv"), keras.layers.Activation(activation, name="active")]
    made = keras.Sequential([keras.Input((20, 20, channels)), *layers])
    layers[0].bias.assign([-1000.0] * kills + [0.0] * (6 - kills))
    return Deconvnet(made)


def test_measures_are_those_of_the_filters_and_of_their_maps():
    deconvnet = net()
    first = FirstLayer.of(deconvnet)
    assert (first.name, first.rectified) == ("conv", "active")
    kernel = deconvnet.model.get_layer("conv").kernel.numpy()
    found = first.measured(strongest_activations(deconvnet, [IMAGES], ["active"], k=1))
    assert found == {
        "aliased": np.median(aliased_energy(kernel, (2, 2))),
        "structured": filter_structure(kernel).share,
        "dead": map_activations(deconvnet, [IMAGES], ["active"])["active"].dead.mean(),
    }
    assert found["dead"] == pytest.approx(2 / 6)
    assert "dead" not in first.measured({})


def test_maps_of_a_leaky_relu_are_not_dead():
    deconvnet = net(activation="leaky_relu")
    first = FirstLayer.of(deconvnet)
    assert first.measured(strongest_activations(deconvnet, [IMAGES], ["active"], k=1))["dead"] == 0


def test_small_filters_have_no_structure_and_a_model_without_convolutions_no_filters():
    assert list(FirstLayer.of(net(size=3)).measured({})) == ["aliased"]
    flat = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    assert FirstLayer.of(Deconvnet(flat)) is None


@pytest.mark.parametrize("channels", [3, 1, 2])
def test_tensorboard_shows_the_grid_and_the_measures(tmp_path, channels):
    deconvnet, writer = net(channels=channels), tf.summary.create_file_writer(str(tmp_path))
    FirstLayer.of(deconvnet).write(writer, 4, {})
    tags = collections.defaultdict(dict)
    (file,) = tmp_path.iterdir()
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            tags[value.tag][event.step] = value.tensor
    assert sorted(tags) == ["epoch/aliased", "epoch/structured", "filters/conv"]
    assert all(list(steps) == [4] for steps in tags.values())
    picture = tf.io.decode_png(tags["filters/conv"][4].string_val[2]).numpy()
    if channels == 3:
        np.testing.assert_array_equal(picture, filter_grid(deconvnet.model.get_layer("conv").kernel.numpy()))
    else:
        np.testing.assert_array_equal(picture[..., 0], picture[..., 2])
