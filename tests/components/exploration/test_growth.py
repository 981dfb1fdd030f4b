import numpy as np
import pytest

from zfnet.components.exploration.growth import likeness, map_growth


def test_every_map_at_the_place_where_it_is_strongest_in_the_end(explored, kept):
    net = explored.deconvnet
    found = explored.strongest(["conv2"])["conv2"]
    units, ranks = np.array([0, 1, 3]), np.array([0, 0, 0])
    grown = list(map_growth(explored, {"conv2": (units, ranks)}, kept.moments))
    assert len(grown) == 3
    numbers = found.examples[units, ranks]
    images = np.concatenate([batch for batch, _ in explored.images.batches("", None)])[numbers]
    for (_, deconvnet), each in zip(kept.moments(), grown, strict=True):
        maps = np.asarray(deconvnet.activations(images, ["conv2"])[0])
        rows, columns = found.positions[units, ranks].T
        np.testing.assert_allclose(each["conv2"].activations, maps[np.arange(3), rows, columns, units], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(grown[-1]["conv2"].activations, found.values[units, 0], rtol=1e-4)
    last = {each.unit: each.projection for each in explored.project({"conv2": found}, {"conv2": (units, ranks)})}
    np.testing.assert_allclose(grown[-1]["conv2"].projections, np.stack([last[unit] for unit in units.tolist()]), atol=1)
    assert net is explored.deconvnet


def test_likeness_is_a_cosine():
    rng = np.random.default_rng(0)
    one, other = rng.integers(1, 256, (2, 4, 5, 6, 3)).astype(np.uint8)
    vectors = [each.reshape(4, -1).astype(float) - 128 for each in (one, other)]
    expected = [np.corrcoef(np.r_[a, -a], np.r_[b, -b])[0, 1] for a, b in zip(*vectors, strict=True)]  # Of zero mean: a cosine.
    np.testing.assert_allclose(likeness(one, other), expected, rtol=1e-5)
    assert likeness(one, np.full_like(one, 128)) == pytest.approx(0)
