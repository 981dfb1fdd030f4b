import keras
import numpy as np

from zfnet.model.net.mean_image import MeanImage


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
