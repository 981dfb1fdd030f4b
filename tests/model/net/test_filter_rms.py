import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.net.filter_rms import FilterRmsClip, clip_filter_rms


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
def test_holds_while_training_on_replicas(replicas):
    strategy = tf.distribute.MirroredStrategy([f"cpu:{number}" for number in range(replicas)])
    with strategy.scope():
        model = keras.Sequential(
            [keras.Input((8, 6, 3)), keras.layers.Conv2D(4, 3, kernel_constraint=FilterRmsClip(0.05)), keras.layers.Flatten()]
        )
        model.compile(keras.optimizers.SGD(5.0), "mse", jit_compile=False)
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(16, 8, 6, 3)), rng.normal(size=(16, 96)), batch_size=4, epochs=1, verbose=0)
    assert rms(model.layers[0].kernel.numpy()) == pytest.approx(0.05, rel=1e-4)
