import io

import numpy as np
from PIL import Image

from zfnet.components.exploration.sheets import BLOCK, PHOTOGRAPH, PROJECTION, encode, fit, lay_out, tiles_a_sheet


def _sheet(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


def test_small_tiles_come_back_to_the_bit():
    tiles = np.random.default_rng(0).integers(0, 256, (20, BLOCK, 7, 3)).astype(np.uint8)
    [laid_out] = lay_out(tiles, 9)
    sheet = _sheet(encode(laid_out, PHOTOGRAPH, BLOCK))
    assert sheet.shape == (3 * BLOCK, 9 * 7, 3)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, 9)
        np.testing.assert_array_equal(sheet[row * BLOCK : (row + 1) * BLOCK, column * 7 : (column + 1) * 7], tile)
    assert (sheet[2 * BLOCK :, 2 * 7 :] == 128).all()  # No tiles: grey.


def test_tiles_that_do_not_fit_go_on_to_the_next_sheet():
    together = tiles_a_sheet((100, 60), 2)
    assert together == 36
    tiles = np.full((together + 3, 100, 60, 3), 90, np.uint8)
    tiles[together:] = 200
    first, second = (_sheet(encode(sheet, PROJECTION, 100)) for sheet in lay_out(tiles, 2))
    assert (first.shape, second.shape) == ((2016, 128, 3), (224, 128, 3))
    assert abs(float(first.mean()) - 90) < 2
    assert abs(float(second[:100].mean()) - 200) < 2


def test_colours_do_not_mix_with_those_of_the_next_tile():
    tiles = np.zeros((4, 27, 27, 3), np.uint8)
    tiles[::2] = 255, 60, 0
    tiles[1::2] = 0, 60, 255
    [laid_out] = lay_out(tiles, 2)
    sheet = _sheet(encode(laid_out, PHOTOGRAPH, 27)).astype(int)
    assert sheet.shape == (64, 64, 3)
    for number, tile in enumerate(tiles):
        row, column = (32 * place + 2 for place in divmod(number, 2))
        assert np.abs(sheet[row : row + 27, column : column + 27] - tile).max() < 16


def test_pictures_only_shrink():
    picture = np.random.default_rng(0).integers(0, 256, (40, 20, 3)).astype(np.uint8)
    assert fit(picture, 40) is picture
    means = picture.reshape(20, 2, 10, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(fit(picture, 20), means, atol=1)
