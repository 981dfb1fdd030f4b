import numpy as np

from zfnet.components.pictures.sheet import BACKGROUND, GAP, HEADING, block, resize_tile, sheet

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
