import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.net.layers import ContrastNormalization, MeanImage, clip_filter_rms

TRAIN = """
import sys
import keras
import numpy as np
import tensorflow as tf
from zfnet.model.net.layers import FilterRmsClip
cpu, replicas = tf.config.list_physical_devices("CPU")[0], int(sys.argv[1])
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
with tf.distribute.MirroredStrategy([f"cpu:{number}" for number in range(replicas)]).scope():
    convolution = keras.layers.Conv2D(4, 3, kernel_constraint=FilterRmsClip(0.05))
    model = keras.Sequential([keras.Input((8, 6, 3)), convolution, keras.layers.Flatten()])
    model.compile(keras.optimizers.SGD(5.0), "mse", jit_compile=False)
rng = np.random.default_rng(0)
model.fit(rng.normal(size=(16, 8, 6, 3)), rng.normal(size=(16, 96)), batch_size=4, epochs=1, verbose=0)
print(np.sqrt(np.mean(np.square(convolution.kernel.numpy()), axis=(0, 1, 2))).tolist())
"""


@pytest.fixture
def activations():
    return tf.constant(np.random.default_rng(0).normal(scale=60, size=(2, 5, 7, 9)).astype("float32"))


def value_and_gradient(function, activations):
    weights = tf.constant(np.random.default_rng(1).normal(size=activations.shape).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(activations)
        output = function(activations)
        total = tf.reduce_sum(output * weights)
    return output.numpy(), tape.gradient(total, activations).numpy()


@pytest.mark.parametrize("alpha", [1e-4, 2e-5])
def test_equals_tensorflows_forward_and_backward(activations, alpha):
    ours = value_and_gradient(ContrastNormalization(alpha), activations)
    theirs = value_and_gradient(lambda x: tf.nn.lrn(x, 2, 2.0, alpha, 0.75), activations)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6 * np.abs(other).max())


def test_sums_five_maps_worked_by_hand():
    # The square of 100 in one map reaches the two maps on either side and no further.
    pixels = np.zeros((1, 1, 1, 7), "float32")
    pixels[..., 3] = 100
    pixels[..., 0] = pixels[..., 6] = pixels[..., 5] = 1
    normalised = ContrastNormalization()(pixels)[0, 0, 0].numpy()
    assert normalised[3] == pytest.approx(100 / (2 + 1e-4 * (100**2 + 1)) ** 0.75)
    assert normalised[5] == pytest.approx(1 / (2 + 1e-4 * (100**2 + 2)) ** 0.75)
    assert normalised[6] == pytest.approx(1 / (2 + 1e-4 * 2) ** 0.75)


def test_serves_a_model_that_is_saved_and_loaded(activations, tmp_path):
    model = keras.Sequential([keras.Input((5, 7, 9)), ContrastNormalization(0.01)])
    model.save(tmp_path / "norm.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "norm.keras")(activations), model(activations))


def test_a_file_without_alpha_has_krizhevskys(activations):
    config = ContrastNormalization(name="norm1").get_config()
    del config["alpha"]
    np.testing.assert_array_equal(ContrastNormalization.from_config(config)(activations), ContrastNormalization(1e-4)(activations))


def test_alpha_must_be_positive():
    with pytest.raises(ValueError, match="alpha is 0; it must be greater than 0"):
        ContrastNormalization(0)


def rms(kernel):
    return np.sqrt(np.mean(np.square(kernel), axis=(0, 1, 2)))


def test_only_filters_beyond_the_radius_change():
    kernel = np.random.default_rng(0).normal(size=(7, 5, 3, 4)).astype("float32") * [0.01, 0.09, 0.2, 3]
    clipped = clip_filter_rms(tf.constant(kernel, tf.float32), 0.1).numpy()
    np.testing.assert_array_equal(clipped[..., :2], kernel[..., :2].astype("float32"))
    np.testing.assert_allclose(rms(clipped)[2:], 0.1, rtol=1e-5)
    # Rescaled, not cut off: the direction stays.
    np.testing.assert_allclose(clipped[..., 3] / clipped[0, 0, 0, 3], kernel[..., 3] / kernel[0, 0, 0, 3], rtol=1e-4)


def test_zero_filters_stay_zero():
    assert not np.any(clip_filter_rms(tf.zeros((3, 3, 3, 2))))


def test_radius_must_be_positive():
    with pytest.raises(ValueError, match="radius is 0"):
        clip_filter_rms(tf.zeros((3, 3, 3, 2)), 0)


@pytest.mark.parametrize("replicas", [1, 2])
def test_holds_while_training_on_replicas(replicas, forked):
    # In a process of its own: TensorFlow mixes up the collectives of strategies of one and of two devices in one process.
    trained = subprocess.run(forked([sys.executable, "-c", TRAIN, replicas]), capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(trained.stdout) == pytest.approx([0.05] * 4, rel=1e-4)


def test_subtracts_pixel_by_pixel_and_is_not_trained():
    mean = np.random.default_rng(0).uniform(0, 255, (4, 6, 3)).astype("float32")
    model = keras.Sequential([keras.Input((4, 6, 3)), MeanImage()])
    model.layers[0].set_weights([mean])
    images = np.random.default_rng(1).uniform(0, 255, (2, 4, 6, 3)).astype("float32")
    np.testing.assert_allclose(model(images), images - mean, rtol=1e-6)
    assert model.trainable_weights == []


def test_mean_is_saved_with_the_model(tmp_path):
    model = keras.Sequential([keras.Input((4, 6, 3)), MeanImage()])
    model.layers[0].set_weights([np.arange(72, dtype="float32").reshape(4, 6, 3)])
    model.save(tmp_path / "mean.keras")
    loaded = keras.saving.load_model(tmp_path / "mean.keras")
    np.testing.assert_array_equal(loaded.layers[0].mean, model.layers[0].mean)
