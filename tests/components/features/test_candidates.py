import json
import shutil

import numpy as np
import pytest

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops
from zfnet.components.features.candidates import Candidates, draw_folds

LABELS = np.repeat([0, 1], [30, 40])
TRAIN = np.arange(70) % 2 == 0
OPTIONS = {"most": 5, "test": 8, "folds": 3, "seed": 4}


def test_labels_and_ids_belong_to_the_images(examples):
    candidates = Candidates(examples)
    assert len(candidates) == examples.count("train") + examples.count("validation")
    for label, id in zip(candidates.labels, candidates.ids, strict=True):
        assert f"/{examples.labels[label]}/" in f"/{id}"


def test_a_subset_holds_its_images(examples, tmp_path):
    candidates = Candidates(examples)
    chosen = [2, 5, candidates.is_train.sum() + 1]
    subset = candidates.write_subset(chosen, tmp_path / "subset")
    (images, labels, _), *others = central_crops(subset, "train", size=subset.side, batch_size=9).as_numpy_iterator()
    assert not others
    np.testing.assert_array_equal(labels, candidates.labels[chosen])
    expected = np.concatenate([batch for batch, _ in candidates.batches(chosen, subset.side, 9)])
    np.testing.assert_array_equal(images, expected)


def test_order_and_doubles_of_the_numbers_do_not_matter(examples):
    candidates = Candidates(examples)
    chosen = [candidates.is_train.sum() + 2, 7, 1, 7]
    numbers = [places.tolist() for _, places in candidates.batches(chosen, 24, 2)]
    assert numbers == [[1, 7], [candidates.is_train.sum() + 2]]


def test_a_missing_split_is_an_error(examples, tmp_path):
    alone = Examples(tmp_path / "alone")
    shutil.copytree(examples.path, alone.path)
    manifest = alone.read_json("manifest.json")
    del manifest["splits"]["validation"]
    (alone.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="have no split 'validation': training images are drawn from train"):
        Candidates(alone)


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
