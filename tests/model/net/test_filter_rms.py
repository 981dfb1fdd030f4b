import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.net.filter_rms import clip_filter_rms


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


TRAIN = """
import sys
import keras
import numpy as np
import tensorflow as tf
from zfnet.model.net.filter_rms import FilterRmsClip
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


@pytest.mark.parametrize("replicas", [1, 2])
def test_holds_while_training_on_replicas(replicas):
    # In a process of its own: TensorFlow mixes up the collectives of strategies of one and of two devices in one process.
    trained = subprocess.run([sys.executable, "-c", TRAIN, str(replicas)], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(trained.stdout) == pytest.approx([0.05] * 4, rel=1e-4)
