import numpy as np
import pytest

from zfnet.components.features.candidates import Candidates
from zfnet.components.features.overlap import draw_unseen, find_overlap

OPTIONS = {"redraw": False, "leave_out": False, "most": 4, "test": 5, "folds": 2, "seed": 0}


def test_exactly_what_the_pretraining_set_holds_is_found(examples, tmp_path, bars):
    candidates = Candidates(examples)
    seen = [2, 9, candidates.is_train.sum() + 3]
    pretraining = candidates.write_subset(seen, tmp_path / "pretraining")
    found = find_overlap(candidates, range(len(candidates)), pretraining)
    assert found.found.tolist() == seen
    pairs = found.pairs(candidates, np.arange(candidates.is_train.sum()))
    assert [pair["image"] for pair in pairs] == [candidates.ids[number] for number in seen[:2]]
    for pair in pairs:
        assert pair["pretraining"] == pair["image"]
        assert pair["correlation"] > 0.999
        assert not pair["mirrored"]
    assert [(bar.title, bar.total) for bar in bars] == [("Looking for images seen in pretraining", 1)]


def test_only_those_asked_for_are_looked_for(examples, tmp_path):
    candidates = Candidates(examples)
    pretraining = candidates.write_subset([2, 9], tmp_path / "pretraining")
    found = find_overlap(candidates, [9, 4, 9], pretraining)
    assert found.numbers.tolist() == [4, 9]
    assert found.found.tolist() == [9]


@pytest.fixture(scope="module")
def candidates(examples):
    """The photographs of the tests."""
    return Candidates(examples)


def draw(candidates, pretraining, **changed):
    return draw_unseen(candidates, pretraining, **OPTIONS | changed)


def test_training_and_test_come_from_their_own_splits(candidates):
    folds, found = draw(candidates, None)
    for fold in folds:
        assert candidates.is_train[fold.train].all()
        assert not candidates.is_train[fold.test].any()
    assert found["message"].startswith("Whether images were seen in pretraining is not known: --pretraining")


def test_what_was_drawn_and_seen_is_reported(candidates, tmp_path):
    (fold,), _ = draw(candidates, None, folds=1)
    seen = {"train": int(fold.train.min()), "test": int(fold.test.max())}
    never_drawn = int(np.setdiff1d(np.flatnonzero(candidates.is_train), fold.train)[0])
    pretraining = candidates.write_subset([*seen.values(), never_drawn], tmp_path / "pretraining")
    (again,), found = draw(candidates, pretraining, folds=1)
    np.testing.assert_array_equal(again.train, fold.train)
    for split, number in seen.items():
        assert [pair["image"] for pair in found[split]] == [candidates.ids[number]]
    assert found["looked"] == {"train": fold.train.size, "test": len(fold.test)}
    assert found["message"] == (
        f"Warning: 1 of {fold.train.size} training images and 1 of {len(fold.test)} test images were seen in pretraining: "
        "for them this is no test of new pictures."
    )


def test_left_out_means_never_drawn(candidates, tmp_path):
    (fold,), _ = draw(candidates, None, folds=1, redraw=True)
    seen = sorted({int(fold.train[0, 0]), int(fold.train[1, 0]), int(fold.test[0])})
    pretraining = candidates.write_subset(seen, tmp_path / "pretraining")
    folds, found = draw(candidates, pretraining, redraw=True, leave_out=True, folds=4)
    for fold in folds:
        assert not np.intersect1d(seen, np.concatenate([fold.train.ravel(), fold.test])).size
    assert [pair["image"] for pair in found["left_out"]] == [candidates.ids[number] for number in seen]
    assert found["message"] == f"3 of {len(candidates)} images were seen in pretraining, and left out."


def test_nothing_left_to_draw_tells_why(candidates, examples):
    with pytest.raises(ValueError, match=r"has 0 images to train on, fewer than 4.* images were seen in pretraining\.$"):
        draw(candidates, examples, leave_out=True)


def test_what_is_not_known_cannot_be_left_out(candidates):
    with pytest.raises(ValueError, match="are not known, so that none of them can be left out"):
        draw(candidates, None, leave_out=True)
