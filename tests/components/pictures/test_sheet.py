import itertools

import numpy as np
import pytest
from PIL import ImageFont

from zfnet.components.pictures.sheet import (
    BACKGROUND,
    GAP,
    HEADING,
    LEAST,
    RULE,
    TITLE,
    block,
    filter_grid,
    resize_tile,
    sheet,
    side_by_side,
    strip,
    with_note,
    wrap_text,
)

RED = np.full((10, 10, 3), (255, 0, 0), np.uint8)
BLUE = np.full((10, 10, 3), (0, 0, 255), np.uint8)


def test_tiles_stand_in_rows():
    picture = block([RED, BLUE, BLUE], 2, 40)
    assert picture.shape == (80 + GAP, 80 + GAP, 3)
    assert picture[20, 20].tolist() == [255, 0, 0]
    assert picture[20, 60].tolist() == picture[60, 20].tolist() == [0, 0, 255]
    assert picture[60, 60].tolist() == list(BACKGROUND)


def test_non_square_pictures_keep_their_proportions():
    tile = resize_tile(np.zeros((10, 20, 3), np.uint8), 40)
    black = np.all(tile == 0, axis=-1)
    assert (black.any(1).sum(), black.any(0).sum()) == (20, 40)


def test_pixels_of_small_pictures_stay_sharp():
    checks = np.indices((7, 7)).sum(0)[..., None] % 2 * 255
    assert set(np.unique(resize_tile(checks.astype(np.uint8), 56))) == {0, 255}


def test_headings_stand_above_their_blocks():
    picture = sheet([RED.repeat(8, 0).repeat(8, 1)] * 3, ["one", "", "three"], 2)
    red = np.all(picture == (255, 0, 0), axis=-1)
    assert red.sum() == 3 * 80 * 80
    top = np.flatnonzero(red.any(1))[0]
    above = picture[top - HEADING : top]
    width = picture.shape[1] // 2
    assert above[:, :width].min() < 128
    assert above[:, width:].min() == 255


def test_long_headings_are_cut():
    wide = RED.repeat(8, 1)
    picture = sheet([wide] * 2, ["a" * 300, ""], 2)
    top = np.flatnonzero(np.all(picture == (255, 0, 0), axis=-1).any(1))[0]
    inked = np.flatnonzero(picture[top - HEADING : top].min(axis=(0, 2)) < 128)
    assert 6 * GAP + 60 < inked.max() < 6 * GAP + 80


def test_sheets_of_unlike_sizes_stand_whole_beside_each_other():
    sheets = [np.full((90, 400, 3), (200, 10, 10), np.uint8), np.full((50, 300, 3), (10, 10, 200), np.uint8)]
    picture = side_by_side(sheets, ["red", "blue"])
    assert picture.shape == (2 * TITLE + 90, 700, 3)
    np.testing.assert_array_equal(picture[2 * TITLE :, 3:400], sheets[0][:, 3:])
    np.testing.assert_array_equal(picture[2 * TITLE : 2 * TITLE + 50, 403:], sheets[1][:, 3:])
    assert (picture[: 2 * TITLE] < 100).any()
    # The rule between them is over the sheets.
    assert (picture[6 * GAP : picture.shape[0] - 6 * GAP, 400:402] == RULE).all()


def test_a_long_title_gets_room_and_one_may_stand_alone():
    picture = side_by_side([np.zeros((10, 20, 3), np.uint8), None], ["a title that is wider than its sheet", "nothing"])
    assert picture.shape[1] > 20 + LEAST
    assert (picture[:, -LEAST + 5 :][2 * TITLE :] == 255).all()


def test_each_filter_fills_its_own_scale():
    kernel = np.zeros((7, 7, 3, 6), "float32")
    kernel[0, 0, 0, 1], kernel[0, 0, 1, 4] = 0.001, -10
    picture = filter_grid(kernel, 56)
    assert picture.shape == (2 * 56 + 2, 3 * 56 + 4, 3)
    assert picture[4, 58 + 4].tolist() == [255, 128, 128]
    assert picture[58 + 4, 58 + 4].tolist() == [128, 0, 128]
    assert picture[30, 30].tolist() == [128, 128, 128]


def test_filters_over_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 3, 48, 8\); expected"):
        filter_grid(np.zeros((3, 3, 48, 8)))


def test_pictures_below_their_tiles():
    bars = [np.full((7, 40, 3), (0, shade, 0), np.uint8) for shade in (100, 200, 250)]
    picture = block([RED, BLUE, BLUE], 2, 40, bars)
    assert picture.shape == (2 * 47 + GAP, 80 + GAP, 3)
    assert (picture[40:47, :40] == (0, 100, 0)).all()
    assert (picture[40:47, 42:] == (0, 200, 0)).all()
    assert (picture[47 + GAP + 40 :, :40] == (0, 250, 0)).all()
    assert picture[47 + GAP + 20, 20].tolist() == [0, 0, 255]


def test_a_text_is_broken_where_it_fits():
    font, text = ImageFont.load_default(12), "How far the activation falls without the pixels that are marked"
    lines = wrap_text(text, font, 100)
    assert " ".join(lines) == text
    assert all(font.getlength(line) <= 100 for line in lines)
    for line, after in itertools.pairwise(lines):
        assert font.getlength(f"{line} {after.split()[0]}") > 100
    assert wrap_text("a-word-that-is-wider-than-the-line b", font, 50) == ["a-word-that-is-wider-than-the-line", "b"]
    assert wrap_text("", font, 50) == []


def test_a_note_stands_below_a_picture():
    picture = np.repeat(np.repeat(RED, 12, axis=0), 12, axis=1)
    noted = with_note(picture, "four words in lines")
    np.testing.assert_array_equal(noted[:120], picture)
    rows = np.flatnonzero((noted[120:] < 200).any(axis=(1, 2)))
    assert noted.shape[1] == 120
    assert len(rows) > HEADING  # More than one line.
    assert rows[-1] < noted.shape[0] - 120 - 1


def test_a_strip_has_titles_above_and_captions_below():
    picture = strip([RED, BLUE], ["one", "two"], ["short", "a longer text in several lines below its tile"], 60)
    assert picture[HEADING : HEADING + 60, :60].reshape(-1, 3).tolist() == [[255, 0, 0]] * 3600
    dark = np.all(picture < 200, axis=-1)
    left, right = dark[HEADING + 60 :, :60].any(1), dark[HEADING + 60 :, 62:].any(1)
    assert left.any()
    assert 0 < left.sum() < right.sum()
    assert dark[:HEADING, :60].any()
    assert dark[:HEADING, 62:].any()
