import statistics

import numpy as np
import pytest

from zfnet.components.data.brightness import BRIGHTEST, DARK, brightness_of, dark_classes

DAY = {"mean": 120.0, "brightest": 250}


def test_brightness_is_that_of_numpy():
    levels = np.random.default_rng(0).gamma(2, 20, 5000).clip(0, 255).astype(int)
    found = brightness_of(np.bincount(levels, minlength=256))
    assert found["mean"] == pytest.approx(levels.mean())
    assert found["brightest"] == np.quantile(levels, BRIGHTEST, method="inverted_cdf")
    assert brightness_of(np.zeros(256, int)) is None


@pytest.mark.parametrize(
    ("own", "dark"),
    [
        ({"mean": DARK * 120 - 1, "brightest": DARK * 250 - 1}, True),
        ({"mean": DARK * 120 - 1, "brightest": 250}, False),  # the stars of the night
        ({"mean": DARK * 120, "brightest": DARK * 250 - 1}, False),
        (DAY, False),
        (None, False),
    ],
)
def test_a_class_is_dark_beside_the_others(own, dark):
    found = dark_classes([DAY, own, None, {"mean": 100.0, "brightest": 250}, {"mean": 180.0, "brightest": 250}])
    assert found == ({1: {"mean": 120.0, "brightest": 250.0}} if dark else {})


def test_nothing_is_dark_without_others():
    assert dark_classes([{"mean": 1.0, "brightest": 2}, None]) == {}


def test_the_others_are_compared_by_their_median():
    rng = np.random.default_rng(0)
    for number in (2, 3, 8, 9):  # with equal values, too
        found = [{"mean": float(mean), "brightest": int(mean) + 5} for mean in rng.integers(1, 12, number)]
        others = [found[:label] + found[label + 1 :] for label in range(number)]
        usual = [{name: float(statistics.median(each[name] for each in rest)) for name in ("mean", "brightest")} for rest in others]
        dark = {label: each for label, each in enumerate(usual) if all(found[label][name] < DARK * each[name] for name in each)}
        assert dark_classes(found) == dark


def test_many_classes_are_not_compared_pair_by_pair():
    class Counted(float):
        compared = 0

        def __lt__(self, other):
            Counted.compared += 1
            return float(self) < float(other)

    means = np.random.default_rng(0).permutation(1000) + 1.0
    assert len(dark_classes([{"mean": Counted(mean), "brightest": mean} for mean in means])) == 250
    assert Counted.compared < 40 * 1000
