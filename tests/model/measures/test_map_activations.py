import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy.stats import entropy

from zfnet.model import Deconvnet
from zfnet.model.measures.map_activations import activation_spread, map_activations

layers = keras.layers
SCRIPT = """
import keras, numpy as np, tensorflow as tf
from zfnet.model import Deconvnet, build
from zfnet.model.measures.map_activations import map_activations

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    keras.utils.set_random_seed(5)
    deconvnet = Deconvnet(build("zfnet-small", (96, 80, 3), 4))
images = np.random.default_rng(0).normal(scale=50, size=(10, 96, 80, 3)).astype("float32")
batches, layers = [images[:7], images[7:9], images[9:]], ["conv1", "fc6"]
alone = map_activations(deconvnet, batches, layers)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    shared = map_activations(deconvnet, batches, layers)
for layer in layers:
    np.testing.assert_allclose(shared[layer].maxima, alone[layer].maxima, rtol=1e-4)
    np.testing.assert_allclose(shared[layer].means, alone[layer].means, rtol=1e-4)
    assert shared[layer].images == 10
print("equal")
"""


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
        np.testing.assert_allclose(found[layer].minima, activations.min(axis=axes), rtol=1e-6)
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


def test_a_leaky_map_is_not_dead(images):
    model = net()
    model.get_layer("first").activation = keras.activations.leaky_relu
    found = map_activations(Deconvnet(model), [images], ["first"])["first"]
    assert found.maxima[1] < 0
    assert not found.dead.any()


def test_sums_do_not_lose_small_maps_after_large_ones():
    image = np.zeros((1, 12, 17, 3), "float32")
    model = net()
    kernel, _ = model.get_layer("first").get_weights()
    model.get_layer("first").set_weights([0 * kernel, np.array([3e7, 1, 0, 0, 0, 0])])
    batches = [np.repeat(image, 64, axis=0)] * 20
    means = map_activations(Deconvnet(model), batches, ["first"])["first"].means
    assert means.tolist() == [3e7, 1, 0, 0, 0, 0]


@pytest.mark.slow
def test_shared_out_among_replicas(forked):
    # In a process of its own: TensorFlow can't be told of two devices once it has started.
    run = subprocess.run(forked([sys.executable, "-c", SCRIPT]), capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.strip() == "equal"


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


def test_even_and_piled_up():
    assert activation_spread(np.full(20, 0.3)) == pytest.approx((1, 0.1))
    assert activation_spread(np.eye(20)[3]) == pytest.approx((0, 1))


def test_a_tenth_is_rounded_up():
    assert activation_spread(np.array([5.0, 1, 1, 1, 1, 1]))[1] == pytest.approx(0.5)
    assert activation_spread(np.arange(11.0))[1] == pytest.approx((10 + 9) / 55)


def test_equals_scipy():
    means = np.random.default_rng(0).exponential(size=37) * (np.arange(37) % 5 > 0)
    assert activation_spread(means).entropy == pytest.approx(entropy(means) / np.log(37))


def test_nothing_active_and_one_map_alone():
    assert activation_spread(np.zeros(5)) == (0, 0)
    assert activation_spread(np.ones(1)) == (0, 1)


@pytest.mark.parametrize("means", [[], [1, -1], [np.nan, 1], [[1, 2]]])
def test_what_no_mean_activation_can_be(means):
    with pytest.raises(ValueError, match="finite and not negative"):
        activation_spread(np.array(means, float))


layers = keras.layers
