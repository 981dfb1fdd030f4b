import itertools

import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet
from zfnet.model.measures.map_matches import Correlations, map_correlations, match_maps


def test_parts_equal_numpy_on_everything():
    random = np.random.default_rng(0)
    one = random.normal(size=(300, 4)) + 1e4  # A large mean, which sums of squares would lose.
    other = one[:, [2, 0, 1]] * [1, -2, 3] + random.normal(size=(300, 3))
    other[:, 2] = np.float32(0.3)  # Its mean is rounded.
    found = Correlations()
    for start in (0, 1, 50, 290):
        stop = {0: 1, 1: 50, 50: 290, 290: 300}[start]
        found.add(one[start:stop], other[start:stop])
    np.testing.assert_allclose(found.values[:, :2], np.corrcoef(one, other[:, :2], rowvar=False)[:4, 4:], rtol=1e-9)
    assert np.isnan(found.values[:, 2]).all()


def net(size=(16, 20), stride=1, filters=5, seed=0):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((*size, 3)),
            layers.Conv2D(filters, 3, strides=stride, padding="same", activation="relu", name="maps"),
            layers.Flatten(),
            layers.Dense(4, name="units"),
        ]
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(30, 16, 20, 3)).astype("float32")


def permuted(model, order):
    """The same network with its maps in another order, each twice as strong."""
    other = net(filters=len(order))
    kernel, bias = model.get_layer("maps").get_weights()
    other.get_layer("maps").set_weights([2 * kernel[..., order], 2 * bias[order]])
    return other


def test_maps_are_found_in_another_order(images):
    model, order = net(), [3, 1, 4, 0, 2]
    (found,) = map_correlations(
        Deconvnet(model), Deconvnet(permuted(model, order)), [(images[:7], images[:7]), (images[7:], images[7:])], [("maps", "maps")]
    )
    matches = match_maps(found)
    assert [order[partner] for partner in matches.pairs] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(matches.correlations, 1, atol=1e-6)
    np.testing.assert_array_equal(matches.best, matches.pairs)


def test_maps_and_units_equal_numpy(images):
    one, other = (Deconvnet(net(seed=seed)) for seed in (1, 2))
    maps, units = map_correlations(
        one, other, [(images[:16], images[:16]), (images[16:], images[16:])], [("maps", "maps"), ("units", "units")]
    )
    for layer, found in (("maps", maps), ("units", units)):
        values = [each.activations(images, [layer])[0].numpy() for each in (one, other)]
        flat = [each.reshape(-1, each.shape[-1]) for each in values]
        count = flat[0].shape[1]
        np.testing.assert_allclose(found, np.corrcoef(*flat, rowvar=False)[:count, count:], atol=1e-5)


def test_maps_of_other_sizes_are_averaged(images):
    one, other = Deconvnet(net()), Deconvnet(net(stride=2, seed=1))
    (found,) = map_correlations(one, other, [(images, images)], [("maps", "maps")])
    large, small = (each.activations(images, ["maps"])[0].numpy() for each in (one, other))
    means = large.reshape(30, 8, 2, 10, 2, 5).mean(axis=(2, 4))
    np.testing.assert_allclose(found, np.corrcoef(means.reshape(-1, 5), small.reshape(-1, 5), rowvar=False)[:5, 5:], atol=1e-5)


def test_a_layer_of_maps_has_no_partner_of_units(images):
    deconvnet = Deconvnet(net())
    with pytest.raises(ValueError, match=r"'maps' and 'units' have outputs of the shapes \(16, 20, 5\) and \(4,\)"):
        map_correlations(deconvnet, deconvnet, [(images, images)], [("maps", "units")])
    with pytest.raises(ValueError, match="no images"):
        map_correlations(deconvnet, deconvnet, [], [("maps", "maps")])


def test_matching_equals_trying_all():
    values = np.random.default_rng(0).uniform(-1, 1, (6, 6))
    found = match_maps(values)
    best = max(itertools.permutations(range(6)), key=lambda order: sum(values[row, column] for row, column in enumerate(order)))
    assert tuple(found.pairs) == best
    np.testing.assert_array_equal(found.best, values.argmax(axis=1))
    np.testing.assert_array_equal(found.best_correlations, values.max(axis=1))


def test_constant_maps_and_fewer_maps():
    values = np.array([[0.9, np.nan], [0.8, np.nan], [np.nan, np.nan]])
    found = match_maps(values)
    assert found.pairs.tolist() == [0, -1, -1]
    assert found.best.tolist() == [0, 0, -1]
    np.testing.assert_array_equal(found.correlations, [0.9, np.nan, np.nan])
    np.testing.assert_array_equal(found.best_correlations, [0.9, 0.8, np.nan])
    assert match_maps(np.array([[0.2], [0.7]])).pairs.tolist() == [-1, 0]
