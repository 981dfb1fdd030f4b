import numpy as np
import pytest

from zfnet.components.evaluation.confusion import Confusion
from zfnet.components.figures.mistakes.confusion import draw_confusion


def block_matrix(classes: int, group: int) -> tuple[np.ndarray, np.ndarray]:
    """A matrix whose classes are mistaken within groups alone, and the group of each class, in random order."""
    rng = np.random.default_rng(0)
    groups = rng.permutation(classes) // group
    same = groups[:, None] == groups
    return same * rng.integers(1, 4, (classes, classes)) + 20 * np.eye(classes, dtype=int), groups


def test_few_classes_in_numbers():
    matrix, groups = block_matrix(12, 4)
    labels = [f"class {number}" for number in range(12)]
    figure = draw_confusion(labels, Confusion.of_matrix(matrix))
    order = [labels.index(name) for name in figure.numbers["classes"]]
    assert sorted(order) == list(range(12))
    np.testing.assert_array_equal(figure.numbers["matrix"], matrix[np.ix_(order, order)])
    assert np.count_nonzero(np.diff(groups[order])) == 2  # Three groups, each in one piece.


def test_many_classes_in_pairs():
    matrix, _ = block_matrix(60, 10)
    matrix[3, 50], matrix[7, 8] = 40, 30
    labels = [f"class {number}" for number in range(60)]
    figure = draw_confusion(labels, Confusion.of_matrix(matrix))
    assert "matrix" not in figure.numbers
    pairs = figure.numbers["pairs"]
    assert pairs[:2] == [
        {"class": "class 3", "predicted": "class 50", "examples": 40},
        {"class": "class 7", "predicted": "class 8", "examples": 30},
    ]
    assert len(pairs) == 30
    assert sorted(figure.numbers["classes"]) == sorted(labels)


def test_no_mistake_disappears_between_pixels():
    right = 9 * np.eye(410, dtype=int)
    wrong = right.copy()
    wrong[205, 12] = 9
    pictures = [
        draw_confusion([str(number) for number in range(410)], Confusion.of_matrix(each)).pictures["confusion"] for each in (right, wrong)
    ]
    # The matrix, left of its colours.
    coloured = [(abs(each[:, :540].astype(int) - each[:, :540].mean(axis=2, keepdims=True)) > 20).any(axis=2).sum() for each in pictures]
    assert coloured[0] == 0
    assert coloured[1] >= 4


@pytest.mark.parametrize("classes", [2, 21])
def test_no_mistakes_and_no_examples(classes):
    for matrix in (np.eye(classes, dtype=int), np.zeros((classes, classes), int)):
        assert draw_confusion([f"_${number}" for number in range(classes)], Confusion.of_matrix(matrix)).pictures["confusion"].ndim == 3


def test_a_matrix_of_other_classes():
    with pytest.raises(ValueError, match="is of 3 classes; expected 2, as many as have names"):
        draw_confusion(["a", "b"], Confusion.of_matrix(np.eye(3, dtype=int)))
