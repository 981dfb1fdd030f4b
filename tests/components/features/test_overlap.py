import io

import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.features.candidates import Candidates
from zfnet.components.features.overlap import (
    CORRELATION,
    FLAT_CORRELATION,
    Matches,
    compare_pictures,
    draw_unseen,
    find_overlap,
    thumbnails,
)

OPTIONS = {"redraw": False, "leave_out": False, "most": 4, "test": 5, "folds": 2, "seed": 0}


@pytest.fixture(scope="module")
def pictures():
    """Non-square parts of photographs, float `(N, 90, 120, 3)`; no two share a pixel."""
    read = {each.name: Image.open(io.BytesIO(each.read())).convert("RGB") for each in PHOTOGRAPHS}
    names = ["astronaut", "coffee", "chelsea", "rocket", "china", "text", "coins", "camera"]
    return np.stack([np.asarray(read[name].crop((x, 60, x + 120, 150)), np.float32) for name in names for x in (10, 140)])


def compare(new, old):
    return compare_pictures(Matches.none(len(new)), thumbnails(new), thumbnails(old), np.arange(100, 100 + len(old)))


def recompressed(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), np.float32)


def test_an_exact_copy_is_found(pictures):
    found = compare(pictures[3:5], pictures)
    assert found.numbers.tolist() == [103, 104]
    np.testing.assert_allclose(found.correlations, 1, atol=1e-5)
    assert (found.margins >= 0).all()
    assert not found.mirrored.any()


@pytest.mark.parametrize("quality", [50, 90])
def test_a_copy_compressed_again_is_found(pictures, quality):
    chosen = np.flatnonzero(thumbnails(pictures).contrasts > 8)
    copies = np.stack([recompressed(pictures[number], quality) for number in chosen])
    found = compare(copies, pictures)
    assert (found.numbers - 100).tolist() == chosen.tolist()
    assert (found.margins >= 0).all()


def test_a_mirrored_copy_is_found_and_said_to_be_mirrored(pictures):
    found = compare(pictures[:1, :, ::-1], pictures)
    assert found.numbers.tolist() == [100]
    assert found.mirrored.tolist() == [True]
    assert found.correlations[0] == pytest.approx(1, abs=1e-4)


def test_unrelated_pictures_are_not_found(pictures):
    assert (compare(pictures[::2], pictures[1::2]).margins < 0).all()


def test_correlation_is_that_of_numpy(pictures):
    one, other = thumbnails(pictures[:1]), thumbnails(pictures[1:2])
    expected = np.corrcoef(one.vectors[0], other.vectors[0])[0, 1]
    mirrored = np.corrcoef(one.vectors[0], other.vectors[0].reshape(32, 32)[:, ::-1].ravel())[0, 1]
    found = compare(pictures[:1], pictures[1:2])
    assert found.correlations[0] == pytest.approx(max(expected, mirrored), abs=1e-5)


def test_blocks_give_what_all_at_once_gives(pictures):
    found = Matches.none(len(pictures))
    for start in range(0, len(pictures), 3):
        block = pictures[start : start + 3]
        found = compare_pictures(found, thumbnails(pictures[::-1]), thumbnails(block), np.arange(100 + start, 100 + start + len(block)))
    for one, whole in zip(found, compare(pictures[::-1], pictures), strict=True):
        np.testing.assert_allclose(one, whole, atol=1e-5)


def test_a_picture_of_one_colour_is_never_found():
    grey = np.full((2, 40, 60, 3), 77.3, np.float32)
    found = compare(grey, grey)
    np.testing.assert_array_equal(found.correlations, 0)
    assert (found.margins < 0).all()


def test_flat_pictures_take_a_higher_correlation():
    sky = np.linspace(0, 6, 40, dtype=np.float32)[:, None, None] + np.random.default_rng(0).normal(0, 2, (2, 40, 40, 3)) + 100
    flat, strong = compare(sky[:1], sky[1:]), compare(30 * (sky[:1] - 100), 30 * (sky[1:] - 100))
    assert flat.correlations[0] == pytest.approx(strong.correlations[0], abs=1e-4)
    assert flat.margins[0] - strong.margins[0] == pytest.approx(CORRELATION - FLAT_CORRELATION, abs=1e-4)


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
