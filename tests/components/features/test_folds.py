import numpy as np
import pytest

from zfnet.components.features.folds import draw_folds

LABELS = np.repeat([0, 1], [30, 40])
TRAIN = np.arange(70) % 2 == 0
OPTIONS = {"most": 5, "test": 8, "folds": 3, "seed": 4}


def draw(trainable=TRAIN, testable=~TRAIN, **changed):
    return draw_folds(LABELS, trainable, testable, ["cat", "dog"], **OPTIONS | changed)


def test_each_class_gets_its_share_from_its_own_split():
    for fold in draw():
        assert fold.train.shape == (2, 5)
        assert TRAIN[fold.train].all()
        assert not TRAIN[fold.test].any()
        assert (LABELS[fold.train] == [[0], [1]]).all()
        assert np.bincount(LABELS[fold.test]).tolist() == [8, 8]
        assert len(np.unique(fold.test)) == 16


def test_drawn_from_both_splits_training_and_test_share_nothing():
    everything = np.ones(70, bool)
    for fold in draw(everything, everything, most=25, test=50):
        assert not np.intersect1d(fold.train, fold.test).size
        assert np.bincount(LABELS[fold.test]).tolist() == [5, 15]


def test_same_seed_same_folds_and_more_folds_begin_alike():
    for one, other in zip(draw(), draw(folds=5), strict=False):
        np.testing.assert_array_equal(one.train, other.train)
        np.testing.assert_array_equal(one.test, other.test)
    assert not np.array_equal(draw()[0].train, draw(seed=5)[0].train)
    assert not np.array_equal(draw()[0].train, draw()[1].train)


def test_fewer_images_a_class_are_the_first_of_more():
    np.testing.assert_array_equal(draw(most=3)[0].train, draw()[0].train[:, :3])


def test_too_few_images_are_an_error():
    with pytest.raises(ValueError, match="Class 'cat' has 15 images to train on, fewer than 16: give smaller --per-class"):
        draw(most=16)
    with pytest.raises(ValueError, match="no image left to test"):
        draw(testable=TRAIN & False)
    with pytest.raises(ValueError, match="is 1 class; expected two"):
        draw_folds(LABELS, TRAIN, ~TRAIN, ["cat"], **OPTIONS)
