import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.photograph import UnreadablePhotograph
from zfnet.components.pictures.read_image import read_image
from zfnet.components.pictures.read_square import read_square, to_square


@pytest.fixture
def photograph(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 140, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def test_where_the_square_lies_and_what_a_model_sees_of_it(photograph):
    square = read_square(photograph, 56)
    assert (square.pixels.shape, square.pixels.dtype) == ((64, 64, 3), np.uint8)
    assert square[1:] == (0, 25, 90)
    np.testing.assert_array_equal(square.central(56, 56), read_image(photograph, 56))
    np.testing.assert_array_equal(square.central(40, 56), read_image(photograph, 56)[8:48])
    assert square.corner(40, 56) == (12, 4)
    assert square.corner(56, 41) == (4, 11)


def test_from_bytes(photograph):
    np.testing.assert_array_equal(to_square(photograph.read_bytes(), 56).pixels, read_square(photograph, 56).pixels)
    with pytest.raises(UnreadablePhotograph):
        to_square(b"no picture", 56)
