import json

import keras
import numpy as np
import pytest

from zfnet.components.figures.comparison.features import draw_features_alone
from zfnet.components.figures.images import ImageSet
from zfnet.model import Deconvnet


def net(kernels, name="conv1"):
    """A net whose maps are those of 3 x 3 kernels over brightness, `(maps, 3, 3)`."""
    model = keras.Sequential([keras.Input((56, 56, 3)), keras.layers.Conv2D(len(kernels), 3, activation="relu", name=name)])
    model.set_weights([np.repeat(np.moveaxis(kernels, 0, -1)[:, :, None], 3, axis=2) / 9, np.zeros(len(kernels))])
    return model


@pytest.fixture(scope="module")
def kernels():
    """Five patterns that respond to different things: edges in four directions, and brightness."""
    up = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], float)
    return np.stack([up, -up, up.T, -up.T, np.ones((3, 3))])


def test_the_maps_that_only_one_has(examples, kernels):
    figure = draw_features_alone({"all": net(kernels), "few": net(kernels[[4, 0, 2]])}, examples)
    there, back = json.loads(json.dumps(figure.numbers))["features"]
    assert (there["names"], back["names"]) == (["all", "few"], ["few", "all"])
    assert there["layers"][0]["without_match"] == [1, 3]
    assert back["layers"][0]["without_match"] == []
    assert [there["layers"][0]["maps"][str(unit)]["partner"] for unit in (0, 2, 4)] == [1, 2, 0]
    assert list(figure.pictures) == ["compare_features_conv1"]
    assert figure.pictures["compare_features_conv1"].std() > 5


def test_several_networks(examples, kernels):
    figure = draw_features_alone({"one": net(kernels), "two": net(kernels[:4], "first"), "three": net(kernels[4:])}, examples)
    assert [each["names"] for each in figure.numbers["features"]] == [["one", "two"], ["two", "one"], ["one", "three"], ["three", "one"]]
    assert [each["layers"][0]["layers"] for each in figure.numbers["features"]][1] == ["first", "conv1"]
    assert list(figure.pictures) == ["compare_features_conv1~2", "compare_features_conv1~3"]
    assert figure.numbers["features"][2]["layers"][0]["without_match"] == [0, 1, 2, 3]


def test_maps_that_are_rarely_active_are_drawn_last(examples, kernels):
    both = net(np.stack([kernels[1] + 0.1, kernels[3], kernels[3]]))
    kernel, _ = both.get_weights()
    images = np.concatenate([batch for batch, _ in ImageSet.of_examples(both, examples).batches("", None)])
    strongest = Deconvnet(both).activations(images, ["conv1"])[0].numpy()[..., 2].max()
    both.set_weights([kernel, np.array([0, 0, 1e-3 - strongest])])  # The last map is active at one place of one image.
    there, back = draw_features_alone({"one": both, "other": net(kernels[[0, 4]])}, examples).numbers["features"]
    found = there["layers"][0]
    correlations = [found["maps"][str(unit)]["best_correlation"] for unit in range(3)]
    assert found["without_match"] == [0, 1, 2]
    assert correlations[2] < max(correlations[:2])
    assert found["drawn"] == [*sorted([0, 1], key=lambda unit: correlations[unit]), 2]
    assert sorted(back["layers"][0]["drawn"]) == back["layers"][0]["without_match"]
