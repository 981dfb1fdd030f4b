import tracemalloc

import numpy as np
import pytest
import scipy.sparse
import sklearn.metrics

from zfnet.components.artifacts import Evaluation
from zfnet.components.evaluation.confusion import WHOLE, Confusion, confused_pairs, read_confusion, similar_order, write_confusion


def planted(classes, seed=0):
    """Labels, and answers that are wrong in a third of the cases, then nearly always another class of the same group of five."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(classes) // 5
    members = np.argsort(group, kind="stable").reshape(-1, 5)
    labels = rng.integers(0, classes, classes * 40)
    near = members[group[labels], rng.integers(0, 5, len(labels))]
    predicted = np.where(rng.random(len(labels)) < 1 / 3, near, labels)
    anything = rng.random(len(labels)) < 0.05
    predicted[anything] = rng.integers(0, classes, anything.sum())
    return labels, predicted, group


def test_the_matrix_is_that_of_scikit_learn():
    labels, predicted, _ = planted(30)
    found = Confusion.of(labels, predicted, 32).matrix()  # two classes have no example
    assert found.dtype == np.int64
    assert found.tolist() == sklearn.metrics.confusion_matrix(labels, predicted, labels=range(32)).tolist()


def test_the_most_frequent_pairs():
    labels, predicted, _ = planted(30)
    confusion = Confusion.of(labels, predicted, 30)
    matrix = confusion.matrix()
    pairs = sorted(
        ((true, other, matrix[true, other]) for true in range(30) for other in range(30) if true != other), key=lambda each: -each[2]
    )
    assert confused_pairs(confusion, 20) == pairs[:20]
    assert len(confused_pairs(confusion, 10_000)) == (matrix - np.diag(np.diag(matrix)) > 0).sum()


@pytest.mark.parametrize("classes", [10, 100, 2000, 10_000])
def test_classes_that_are_mistaken_for_each_other_are_side_by_side(classes):
    labels, predicted, group = planted(classes)
    order = similar_order(Confusion.of(labels, predicted, classes))
    assert sorted(order) == list(range(classes))
    groups = group[order]
    assert (groups[1:] != groups[:-1]).sum() == classes // 5 - 1


@pytest.mark.parametrize("classes", [0, 1, 2, 5, WHOLE + 1])
def test_classes_without_mistakes_or_examples(classes):
    assert sorted(similar_order(Confusion.of([], [], classes))) == list(range(classes))
    assert sorted(similar_order(Confusion.of(range(classes), range(classes), classes))) == list(range(classes))


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.zeros(4), np.full((3, 3), -1)])
def test_what_is_no_confusion_matrix(matrix):
    with pytest.raises(ValueError, match="expected one row and one column per class"):
        Confusion.of_matrix(matrix)


@pytest.mark.parametrize("classes", [30, WHOLE, WHOLE + 5])
def test_the_matrix_is_read_as_it_was_written(classes, tmp_path):
    labels, predicted, _ = planted(classes)
    confusion = Confusion.of(labels, predicted, classes)
    write_confusion(Evaluation(tmp_path), confusion)
    read = read_confusion(Evaluation(tmp_path))
    assert [np.asarray(column).tolist() for column in read] == [np.asarray(column).tolist() for column in confusion]
    stored = np.load(tmp_path / "confusion.npy") if classes <= WHOLE else scipy.sparse.load_npz(tmp_path / "confusion.npz").toarray()
    assert (stored == sklearn.metrics.confusion_matrix(labels, predicted, labels=range(classes))).all()


def test_an_evaluation_without_a_matrix(tmp_path):
    assert read_confusion(Evaluation(tmp_path)) is None


def test_ten_thousand_classes_take_the_memory_of_their_examples(tmp_path):
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 10_000, (2, 20_000))
    tracemalloc.start()
    confusion = Confusion.of(labels, predicted, 10_000)
    write_confusion(Evaluation(tmp_path), confusion)
    similar_order(read_confusion(Evaluation(tmp_path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6  # the whole matrix has 800 MB
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 1e6
