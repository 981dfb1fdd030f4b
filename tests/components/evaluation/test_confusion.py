import numpy as np
import pytest
import sklearn.metrics

from zfnet.components.evaluation.confusion import confused_pairs, confusion_matrix, similar_order


def planted(classes, seed=0):
    """Labels, and answers that are wrong in a third of the cases, then nearly always another class of the same group of five."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(classes) // 5
    labels = rng.integers(0, classes, classes * 40)
    predicted = labels.copy()
    for place in np.flatnonzero(rng.random(len(labels)) < 1 / 3):
        predicted[place] = rng.choice(np.flatnonzero(group == group[labels[place]]))
    anything = rng.random(len(labels)) < 0.05
    predicted[anything] = rng.integers(0, classes, anything.sum())
    return labels, predicted, group


def test_the_matrix_is_that_of_scikit_learn():
    labels, predicted, _ = planted(30)
    found = confusion_matrix(labels, predicted, 32)  # two classes have no example
    assert found.dtype == np.int64
    assert found.tolist() == sklearn.metrics.confusion_matrix(labels, predicted, labels=range(32)).tolist()


def test_the_most_frequent_pairs():
    labels, predicted, _ = planted(30)
    matrix = confusion_matrix(labels, predicted, 30)
    pairs = sorted(
        ((true, other, matrix[true, other]) for true in range(30) for other in range(30) if true != other), key=lambda each: -each[2]
    )
    assert confused_pairs(matrix, 20) == pairs[:20]
    assert len(confused_pairs(matrix, 10_000)) == (matrix - np.diag(np.diag(matrix)) > 0).sum()


@pytest.mark.parametrize("classes", [10, 100])
def test_classes_that_are_mistaken_for_each_other_are_side_by_side(classes):
    labels, predicted, group = planted(classes)
    order = similar_order(confusion_matrix(labels, predicted, classes))
    assert sorted(order) == list(range(classes))
    groups = group[order]
    assert (groups[1:] != groups[:-1]).sum() == classes // 5 - 1


@pytest.mark.parametrize("classes", [0, 1, 2, 5])
def test_classes_without_mistakes_or_examples(classes):
    assert sorted(similar_order(np.zeros((classes, classes)))) == list(range(classes))


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.zeros(4), np.full((3, 3), -1)])
def test_what_is_no_confusion_matrix(matrix):
    with pytest.raises(ValueError, match="expected one row and one column per class"):
        similar_order(matrix)
