import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.net.contrast_normalization import ContrastNormalization


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


def test_equals_tensorflows_forward_and_backward(activations):
    ours = value_and_gradient(ContrastNormalization(), activations)
    theirs = value_and_gradient(lambda x: tf.nn.lrn(x, 2, 2.0, 1e-4, 0.75), activations)
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
    model = keras.Sequential([keras.Input((5, 7, 9)), ContrastNormalization()])
    model.save(tmp_path / "norm.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "norm.keras")(activations), model(activations))
