import numpy as np
import pytest
from scipy.stats import entropy

from zfnet.model.measures.activation_spread import activation_spread


def test_even_and_piled_up():
    assert activation_spread(np.full(20, 0.3)) == pytest.approx((1, 0.1))
    assert activation_spread(np.eye(20)[3]) == pytest.approx((0, 1))


def test_a_tenth_is_rounded_up():
    assert activation_spread(np.array([5.0, 1, 1, 1, 1, 1]))[1] == pytest.approx(0.5)
    assert activation_spread(np.arange(11.0))[1] == pytest.approx((10 + 9) / 55)


def test_equals_scipy():
    means = np.random.default_rng(0).exponential(size=37) * (np.arange(37) % 5 > 0)
    assert activation_spread(means).entropy == pytest.approx(entropy(means) / np.log(37))


def test_nothing_active_and_one_map_alone():
    assert activation_spread(np.zeros(5)) == (0, 0)
    assert activation_spread(np.ones(1)) == (0, 1)


@pytest.mark.parametrize("means", [[], [1, -1], [np.nan, 1], [[1, 2]]])
def test_what_no_mean_activation_can_be(means):
    with pytest.raises(ValueError, match="finite and not negative"):
        activation_spread(np.array(means, float))
