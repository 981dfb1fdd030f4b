import json

import keras
import numpy as np
import pytest

from zfnet.components.figures.evolution.first_found import LayerFeatures, SameFeature, same_features
from zfnet.components.figures.given_images import image_set
from zfnet.model import Deconvnet


def net(colours):
    """A net whose maps are mixtures of red, green and blue, `(maps, 3)`."""
    model = keras.Sequential([keras.Input((12, 16, 3)), keras.layers.Conv2D(len(colours), 1, activation="relu", name="maps")])
    model.set_weights([np.array(colours, float).T[None, None], np.zeros(len(colours))])
    return model


def test_a_feature_is_found_in_another_map_before():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 16, 3), np.uint8)
    states = {
        "untrained": net([[-1, 0, 0], [0, 1, 0]]),
        "epoch 1": net([[0, 1, 0], [3, 0.5, 0]]),
        "epoch 2": net([[1, 0, 0], [0, 0, 1]]),
    }
    moments = {title: Deconvnet(model) for title, model in states.items()}
    weights = [model.get_weights()[0] for model in states.values()]
    last, images = Deconvnet(net([[1, 0, 0], [0, 0, 1]])), image_set(states["epoch 1"], pixels)
    features = same_features(moments.items, last, images, {"maps": [0, 1]})["maps"]
    for model, before in zip(states.values(), weights, strict=True):
        np.testing.assert_array_equal(model.get_weights()[0], before)
    found = features.maps
    red, blue = pixels[..., 0].ravel(), pixels[..., 2].ravel()
    mixed = np.maximum(pixels @ np.array([3, 0.5, 0]), 0).ravel()
    assert [(title, each.map) for title, each in found[0].items()] == [("untrained", 1), ("epoch 1", 1), ("epoch 2", 0)]
    assert found[0]["epoch 1"].correlation == pytest.approx(np.corrcoef(red, mixed)[0, 1], abs=1e-5)
    assert found[0]["untrained"].correlation == pytest.approx(np.corrcoef(red, pixels[..., 1].ravel())[0, 1], abs=1e-5)
    known = features._replace(threshold=0.9)
    assert [known.first_found(unit) for unit in (0, 1, 2)] == ["epoch 1", "epoch 2", None]
    assert features.threshold >= 0.5
    assert found[1]["epoch 2"].correlation == pytest.approx(np.corrcoef(blue, blue)[0, 1])


def test_a_map_that_is_constant_is_never_found():
    of_map = {"untrained": SameFeature(-1, float("nan")), "epoch 1": SameFeature(-1, float("nan"))}
    numbers = json.loads(json.dumps(LayerFeatures(0.5, {4: of_map}).numbers()))["maps"]["4"]
    assert numbers == {"first_found": None, "same_feature": [{"column": "untrained", "map": None}, {"column": "epoch 1", "map": None}]}
