import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet
from zfnet.model.measures.map_activations import map_activations

layers = keras.layers


def net(data_format="channels_last", dead=1):
    """A net in whose first layer one map is dead; its images are not square."""
    keras.utils.set_random_seed(0)
    shape = (12, 17, 3) if data_format == "channels_last" else (3, 12, 17)
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(6, 3, strides=2, activation="relu", data_format=data_format, name="first"),
            layers.Flatten(data_format=data_format),
            layers.Dense(5, activation="relu", name="dense"),
        ]
    )
    bias = np.full(6, 300.0)
    bias[dead] = -1e4
    model.get_layer("first").bias.assign(bias)
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, size=(23, 12, 17, 3)).astype("float32")


def test_equals_numpy_over_everything_at_once(images):
    deconvnet = Deconvnet(net())
    found = map_activations(deconvnet, [images[:8], (images[8:16], np.arange(8, 16)), images[16:]], ["first", "dense"])
    for layer, axes in (("first", (0, 1, 2)), ("dense", 0)):
        activations = deconvnet.activations(images, [layer])[0].numpy().astype(np.float64)
        np.testing.assert_allclose(found[layer].maxima, activations.max(axis=axes), rtol=1e-6)
        np.testing.assert_allclose(found[layer].means, activations.mean(axis=axes), rtol=1e-6)
        np.testing.assert_array_equal(found[layer].dead, activations.max(axis=axes) <= 0)
        assert found[layer].images == 23
    assert np.flatnonzero(found["first"].dead).tolist() == [1]
    assert found["first"].means.dtype == np.float64


def test_only_what_is_positive_counts(images):
    model = net()
    model.get_layer("dense").activation = keras.activations.linear
    deconvnet = Deconvnet(model)
    activations = deconvnet.activations(images, ["dense"])[0].numpy()
    assert activations.min() < 0
    found = map_activations(deconvnet, [images], ["dense"])["dense"]
    np.testing.assert_allclose(found.means, np.maximum(activations, 0).mean(0), rtol=1e-5)


def test_sums_do_not_lose_small_maps_after_large_ones():
    image = np.zeros((1, 12, 17, 3), "float32")
    model = net()
    kernel, _ = model.get_layer("first").get_weights()
    model.get_layer("first").set_weights([0 * kernel, np.array([3e7, 1, 0, 0, 0, 0])])
    batches = [np.repeat(image, 64, axis=0)] * 20
    means = map_activations(Deconvnet(model), batches, ["first"])["first"].means
    assert means.tolist() == [3e7, 1, 0, 0, 0, 0]


def test_shared_out_among_replicas(images):
    alone = map_activations(Deconvnet(net()), [images], ["first", "dense"])
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        shared = map_activations(Deconvnet(net()), [images], ["first", "dense"])
    for layer in alone:
        np.testing.assert_array_equal(shared[layer].maxima, alone[layer].maxima)


def test_nan_is_an_error_even_where_a_relu_hides_it(images):
    model = net()
    kernel, bias = model.get_layer("first").get_weights()
    kernel[0, 0, 0, 3] = np.nan
    model.get_layer("first").set_weights([kernel, bias])
    with pytest.raises(ValueError, match="'first' has weights that are not finite"):
        map_activations(Deconvnet(model), [images], ["first"])


def test_activations_that_grow_beyond_all_numbers(images):
    model = net()
    model.get_layer("first").bias.assign(np.full(6, 3e38))
    model.get_layer("dense").kernel.assign(np.ones(model.get_layer("dense").kernel.shape))
    with pytest.raises(ValueError, match="'dense' has activations that are not finite"):
        map_activations(Deconvnet(model), [images], ["dense"])


def test_no_images():
    with pytest.raises(ValueError, match="no images"):
        map_activations(Deconvnet(net()), [], ["first"])
