import keras
import numpy as np
import pytest

import zfnet
from zfnet.components.figures.given_model import given_deconvnet, given_labels
from zfnet.components.inputs.keras_net import KerasNet


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((12, 10, 3)), keras.layers.Conv2D(4, 3, activation="relu", name="maps")])


def test_a_model_in_memory_and_its_file(net, tmp_path):
    net.save(tmp_path / "net.keras")
    images = np.random.default_rng(0).uniform(0, 255, (2, 12, 10, 3)).astype("float32")
    assert zfnet.open_model(net) is net
    for model in (tmp_path / "net.keras", str(tmp_path / "net.keras")):
        np.testing.assert_allclose(zfnet.open_model(model, "unit")(images), net(images / 255), rtol=1e-4, atol=1e-6)
    assert given_deconvnet(net, "tf").layers == ["preprocessing_tf", "maps"]


def test_a_net_of_keras_has_its_own_preprocessing_and_classes(monkeypatch):
    monkeypatch.setattr(KerasNet, "labels", lambda net: ["tench", "goldfish"])
    name = "keras:MobileNet?weights=none"
    for preprocessing in (None, "tf"):
        assert zfnet.open_model(name, preprocessing).layers[1].name == "preprocessing_tf"
    with pytest.raises(ValueError, match=r"keras:MobileNet\?weights=none has its own preprocessing, tf, not caffe: leave"):
        zfnet.open_model(name, "caffe")
    deconvnet = given_deconvnet(keras.Sequential([keras.Input((12, 10, 3)), keras.layers.Conv2D(4, 3, name="maps")]), None)
    assert given_labels(name, (), deconvnet) == ["tench", "goldfish"]
    assert given_labels(name, ["cat"], deconvnet) == ["cat"]
    assert given_labels("net.keras", (), deconvnet) == ()
