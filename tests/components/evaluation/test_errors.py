import numpy as np
import pytest

from zfnet.components.evaluation.errors import count_errors


def by_hand(labels, probabilities, counted):
    """Both counts, by sorting: the true class comes after all that score the same, and a row with NaN is wrong."""
    errors = [0, 0]
    for label, row in zip(labels[counted], probabilities[counted], strict=True):
        better = [score for number, score in enumerate(row) if number != label and not score < row[label]]
        for place, k in enumerate((1, 5)):
            errors[place] += bool(np.isnan(row).any()) or len(better) >= min(k, len(row))
    return errors


@pytest.mark.parametrize("classes", [2, 3, 5, 6, 40])
def test_equals_a_count_by_hand(classes):
    rng = np.random.default_rng(classes)
    # Few different values, so that there are many ties.
    probabilities = (rng.integers(0, 8, (300, classes)) / 8).astype("float32")
    probabilities[::17, rng.integers(classes)] = np.nan
    labels, counted = rng.integers(0, classes, 300), rng.random(300) < 0.7
    assert count_errors(labels, probabilities, counted).numpy().tolist() == by_hand(labels, probabilities, counted)


def test_what_fills_up_does_not_count_even_as_nan():
    probabilities = np.array([[0.9, 0.1], [np.nan, np.nan]], "float32")
    assert count_errors([0, 0], probabilities, [True, False]).numpy().tolist() == [0, 0]
    assert count_errors([0, 0], probabilities, [True, True]).numpy().tolist() == [1, 1]


def test_five_guesses_among_five_classes_cannot_miss():
    alike = np.full((4, 5), 0.2, "float32")
    assert count_errors([0, 1, 2, 3], alike, [True] * 4).numpy().tolist() == [4, 0]


def test_lists_count_as_arrays():
    assert count_errors([0, 1, 1], [[0.7, 0.3], [0.6, 0.4], [0.6, 0.4]], [True, True, False]).numpy().tolist() == [1, 0]
