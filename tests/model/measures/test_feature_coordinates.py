import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from zfnet.model.measures import feature_coordinates as module
from zfnet.model.measures.feature_coordinates import feature_coordinates


@pytest.fixture
def features():
    return np.maximum(np.random.default_rng(0).normal(size=(40, 300)), 0).astype(np.float32)


@pytest.mark.parametrize("columns", [7, 8192])
def test_keeps_every_inner_product_with_a_training_image(features, columns, monkeypatch):
    monkeypatch.setattr(module, "COLUMNS", columns)
    train, test = np.arange(30, 5, -1), np.array([0, 39, 3])
    known, new = feature_coordinates(features, train, test)
    assert known.shape[0] == 25
    assert known.shape[1] <= 25
    whole = features.astype(float) - features[train].astype(float).mean(axis=0)
    whole /= np.sqrt(np.square(whole[train]).sum(axis=1).mean())
    np.testing.assert_allclose(known @ known.T, whole[train] @ whole[train].T, atol=1e-10)
    np.testing.assert_allclose(new @ known.T, whole[test] @ whole[train].T, atol=1e-10)


@pytest.mark.parametrize("learner", [LogisticRegression(C=10, tol=1e-9, max_iter=9999), LinearSVC(C=10, dual=False, tol=1e-9)])
def test_a_linear_classifier_answers_as_on_the_whole_features(features, learner):
    train, test, labels = np.arange(24), np.arange(24, 40), np.arange(24) % 3
    whole = features.astype(float) - features[train].astype(float).mean(axis=0)
    whole /= np.sqrt(np.square(whole[train]).sum(axis=1).mean())
    expected = learner.fit(whole[train], labels).decision_function(whole[test])
    known, new = feature_coordinates(features, train, test)
    np.testing.assert_allclose(learner.fit(known, labels).decision_function(new), expected, atol=1e-4)


def test_few_features_are_kept_as_they_are(features):
    known, new = feature_coordinates(features[:, :4], np.arange(10), np.arange(10, 40))
    assert known.shape, new.shape == ((10, 4), (30, 4))
    assert np.square(known).sum(axis=1).mean() == pytest.approx(1)
    np.testing.assert_allclose(known.mean(axis=0), 0, atol=1e-12)


def test_a_dead_layer_gives_zeros():
    for width in (3, 50):
        known, new = feature_coordinates(np.zeros((12, width), np.float32), np.arange(8), np.arange(8, 12))
        assert not known.any()
        assert not new.any()
        assert known.shape[1] >= 1


def test_nan_is_an_error(features):
    features[2, 299] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        feature_coordinates(features, np.arange(4), np.arange(4, 8))
