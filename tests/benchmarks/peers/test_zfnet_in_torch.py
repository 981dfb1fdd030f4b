import pathlib

import keras
import numpy as np
import pytest

from zfnet.model import ZFNet

torch = pytest.importorskip("torch")
BENCHMARKS = pathlib.Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture
def zfnet_in_torch(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from peers.zfnet_in_torch import zfnet_in_torch

    return zfnet_in_torch


# Pools of even and of odd numbers of rows and columns, which TensorFlow pads differently.
@pytest.mark.parametrize("shape", [(96, 64, 3), (100, 77, 3)])
def test_activations_are_those_of_keras(zfnet_in_torch, shape):
    keras.utils.set_random_seed(0)
    model = ZFNet(shape, include_top=False)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            # Large enough for the contrast normalisation to matter.
            initial = keras.initializers.HeNormal()(layer.kernel.shape), keras.random.normal(layer.bias.shape)
            layer.set_weights([keras.ops.convert_to_numpy(weights) for weights in initial])
    images = np.random.default_rng(0).normal(size=(2, *shape), scale=64).astype("float32")
    for name in ("conv1", "pool1", "norm1", "norm2", "conv5", "pool5"):
        expected = keras.Model(model.input, model.get_layer(name).output)(images).numpy()
        found = zfnet_in_torch(model, name)(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
        np.testing.assert_allclose(found.numpy().transpose(0, 2, 3, 1), expected, rtol=0, atol=1e-5 * expected.max())


def test_a_layer_that_is_not_zfnets_is_an_error(zfnet_in_torch):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Dense(2, name="fc6")])
    with pytest.raises(ValueError, match="'fc6' is of type Dense"):
        zfnet_in_torch(model, "fc6")
