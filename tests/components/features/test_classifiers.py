import numpy as np
import pytest

from zfnet.components.features.classifiers import classify

LABELS = np.arange(60) % 3


@pytest.mark.parametrize("classifier", ["softmax", "svm"])
def test_separable_features_are_told_apart(classifier):
    features = np.eye(3)[LABELS] + np.random.default_rng(0).normal(0, 0.05, (60, 3))
    np.testing.assert_array_equal(classify(classifier, features[:30], LABELS[:30], features[30:], 0), LABELS[30:])


@pytest.mark.parametrize("classifier", ["softmax", "svm"])
def test_random_labels_are_answered_by_chance(classifier):
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(1200, 5)) / np.sqrt(5), random.integers(0, 3, 1200)
    answers = classify(classifier, features[:600], labels[:600], features[600:], 0)
    assert np.mean(answers == labels[600:]) == pytest.approx(1 / 3, abs=0.07)


def test_an_unknown_classifier_is_refused():
    with pytest.raises(ValueError, match="no classifier 'tree'; there are softmax, svm"):
        classify("tree", np.zeros((2, 1)), np.arange(2), np.zeros((1, 1)), 0)


def test_no_convergence_is_an_error(monkeypatch):
    monkeypatch.setattr("zfnet.components.features.classifiers.MOST_ITERATIONS", 1)
    features = np.random.default_rng(0).normal(size=(60, 9))
    with pytest.raises(ValueError, match="softmax did not converge"):
        classify("softmax", features, LABELS, features, 0)
