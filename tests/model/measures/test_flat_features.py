import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet
from zfnet.model.measures.flat_features import flat_features

layers = keras.layers


def test_vectors_in_the_order_of_the_model_whatever_the_batch():
    net = keras.Sequential([keras.Input((6, 8, 3)), layers.Conv2D(4, 3, name="map"), layers.Flatten(), layers.Dense(2, name="dense")])
    images = np.random.default_rng(0).normal(size=(5, 6, 8, 3)).astype(np.float32)
    expected = [np.asarray(net.layers[0](images)).reshape(5, -1), net.predict(images, verbose=0)]
    for batch_size in (2, 5, 64):
        found = flat_features(Deconvnet(net), images, ["map", "dense"], batch_size)
        assert list(found) == ["map", "dense"]
        for values, wanted in zip(found.values(), expected, strict=True):
            np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-5)


def test_what_is_no_number_is_an_error():
    net = keras.Sequential([keras.Input((6, 8, 3)), layers.Conv2D(4, 3, bias_initializer=keras.initializers.Constant(np.nan), name="map")])
    with pytest.raises(ValueError, match="Layer 'map' has activations that are not numbers"):
        flat_features(Deconvnet(net), np.zeros((2, 6, 8, 3), np.float32), ["map"])
