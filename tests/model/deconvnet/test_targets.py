import numpy as np
import pytest

from zfnet.model.deconvnet.targets import Targets, find_places


def targets(count):
    numbers = np.arange(count, dtype=np.int32)
    return Targets(numbers, numbers, np.stack([numbers, numbers], 1), numbers.astype(np.float32))


@pytest.mark.parametrize("rows", [1, 2, 8, 16, 64])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 16, 33, 64, 65, 200])
def test_chunks_hold_every_target_once_in_few_sizes(rows, count):
    parts = list(targets(count).chunks(rows))
    np.testing.assert_array_equal(np.concatenate([part.units[:counted] for counted, part in parts]), np.arange(count))
    assert {len(part.units) for _, part in parts} <= {rows, min(rows, 8), 1}
    # No more than seven rows are computed for nothing.
    assert sum(len(part.units) for _, part in parts) - count < 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.5,), "unit is 1.5, of type float64; expected whole numbers"),
        (([1, 2],), r"unit has the shape \(2,\); expected one for all, or \(3,\)"),
        ((1, [[0, 0], [1, 1]]), r"position has the shape \(2, 2\); expected one for all, or \(3, 2\)"),
        ((9,), "no unit 9 in layer 'conv'; it has units 0 to 6"),
        ((0, (4, 0)), "no row 4"),
        ((0, None, [3]), "no example 3"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        find_places((3, 4, 5, 7), "conv", *arguments)


def test_dense_units_have_no_position():
    with pytest.raises(ValueError, match=r"'fc' is dense: its units have no position, but position is \(0, 0\)"):
        find_places((3, 7), "fc", 0, (0, 0))


def test_strengths_are_the_activations():
    activations = np.random.default_rng(0).normal(size=(3, 4, 5, 7)).astype(np.float32)
    found = find_places(activations.shape, "conv", [2, 6], None, [0, 2]).targets(np.arange(2), activations)
    np.testing.assert_array_equal(found.strengths, [activations[0, ..., 2].max(), activations[2, ..., 6].max()])
    assert found.positions.tolist()[0] == list(np.unravel_index(activations[0, ..., 2].argmax(), (4, 5)))


def test_targets_of_a_part_of_the_images_count_from_its_first():
    activations = np.random.default_rng(0).normal(size=(6, 4, 5, 7)).astype(np.float32)
    places = find_places(activations.shape, "conv", [2, 6, 1], (3, 4), [5, 0, 4])
    found = places.targets(np.array([0, 2]), activations[4:], 4)
    assert (found.examples.tolist(), found.units.tolist(), found.positions.tolist()) == ([1, 0], [2, 1], [[3, 4], [3, 4]])
    np.testing.assert_array_equal(found.strengths, [activations[5, 3, 4, 2], activations[4, 3, 4, 1]])
