import dataclasses

import keras
import numpy as np
import pytest

from zfnet.components.figures.given_images import image_set
from zfnet.components.figures.images import ImageSet
from zfnet.components.figures.matching.matches import LEAST, LayerMatches, match_layers, same_images
from zfnet.model import Deconvnet
from zfnet.model.measures.map_matches import match_maps


def net(seed=0, size=(40, 56)):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((*size, 3)),
            keras.layers.Rescaling(1 / 64, -2),
            keras.layers.Conv2D(6, 5, strides=3, activation="relu", name="first"),
            keras.layers.Conv2D(4, 3, activation="relu", name="second"),
        ]
    )


def test_a_copy_has_every_map_and_shuffled_weights_have_fewer(examples):
    one, other = Deconvnet(net()), Deconvnet(net())
    sets = tuple(ImageSet.of_examples(each.model, examples) for each in (one, other))
    before = other.model.get_weights()
    first, second = match_layers(one, other, sets, [("first", "first"), ("second", "second")])
    for each in (first, second):
        known = each.matches.best >= 0
        assert each.matches.pairs[known].tolist() == np.flatnonzero(known).tolist()
        np.testing.assert_allclose(each.matches.correlations[known], 1, atol=1e-6)
        assert (each.chance[known] < 1 - 1e-3).all()
        assert each.threshold >= LEAST
        assert each.maps(True) == np.flatnonzero(known).tolist()
        assert each.maps(False) == []
    for old, new in zip(before, other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_maps_that_the_other_has_not():
    values = np.array([[0.95, 0.1], [0.2, 0.55], [np.nan, np.nan], [0.3, 0.4]])
    found = LayerMatches(("a", "b"), match_maps(values), np.array([0.1, 0.2, np.nan, 0.3]))
    assert (found.threshold, found.maps(True), found.maps(False)) == (LEAST, [0, 1], [3])
    numbers = found.numbers()
    assert (numbers["matched"], numbers["without_match"], numbers["constant"]) == (0.6667, [3], [2])
    assert numbers["maps"]["1"] == {"partner": 1, "correlation": 0.55, "best": 1, "best_correlation": 0.55}
    assert numbers["maps"]["3"] == {"partner": None, "correlation": None, "best": 1, "best_correlation": 0.4}
    assert numbers["maps"]["2"]["best"] is None
    # What chance reaches is no match.
    lucky = found._replace(chance=np.array([0.6, 0.6, np.nan, 0.6]))
    assert (lucky.threshold, lucky.maps(True)) == (0.6, [0])


def test_images_in_step_whatever_the_batches(examples):
    model = net()
    pixels = np.random.default_rng(0).integers(0, 256, (11, 40, 56, 3), np.uint8)
    images = image_set(model, pixels)

    def uneven(title, numbers=None):
        for batch, ids in images.batches(title, numbers):
            for part in (slice(0, 3), slice(3, 4), slice(4, None)):
                yield batch[part], ids[part]

    found = list(same_images(images, dataclasses.replace(images, batches=uneven), ""))
    assert [len(mine) for mine, _ in found] == [3, 1, 7]
    for mine, yours in found:
        np.testing.assert_array_equal(mine, yours)
    np.testing.assert_array_equal(np.concatenate([mine for mine, _ in found]), pixels.astype(np.float32))
    with pytest.raises(ValueError, match="different images: 11"):
        list(same_images(images, ImageSet.of_examples(model, examples), ""))


def test_one_model_twice(examples):
    deconvnet = Deconvnet(net())
    images = ImageSet.of_examples(deconvnet.model, examples)
    with pytest.raises(ValueError, match="one model in memory"):
        match_layers(deconvnet, deconvnet, (images, images), [("first", "first")])


def test_networks_that_share_layers_are_no_two_networks(examples):
    shared = net()
    other = keras.Model(shared.inputs, keras.layers.Activation("relu")(shared.outputs[0]))
    one, two = Deconvnet(shared), Deconvnet(other)
    sets = tuple(ImageSet.of_examples(each.model, examples) for each in (one, two))
    with pytest.raises(ValueError, match="one model in memory, or share layers"):
        match_layers(one, two, sets, [("first", "first")])
