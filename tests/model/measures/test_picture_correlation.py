import io

import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.model.measures.picture_correlation import CORRELATION, FLAT_CORRELATION, Matches, compare_pictures, thumbnails


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
