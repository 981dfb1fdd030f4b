import numpy as np
import pytest
from PIL import Image

from zfnet.components.pictures.input_box import input_box
from zfnet.components.pictures.read_square import Square, read_square


@pytest.mark.parametrize(("height", "width"), [(56, 56), (40, 56), (56, 33)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_mark_in_a_photograph_is_where_its_box_says(tmp_path, height, width, turned):
    # 250 wide and 180 high as it is meant to be seen; the mark is not in the middle.
    box = (120, 70, 22, 31)
    pixels = np.zeros((180, 250, 3), np.uint8)
    pixels[70:101, 120:142] = 255
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    image = Image.fromarray(pixels)
    (image.rotate(90, expand=True) if turned else image).save(tmp_path / "mark.jpg", exif=exif, quality=95)
    square = read_square(tmp_path / "mark.jpg", 56)
    seen = square.central(height, width)[..., 0] > 127
    left, top, wide, high = input_box(box, square, height, width, "The mark")
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert (left, top, wide, high) == (columns[0], rows[0], len(columns), len(rows))


@pytest.mark.parametrize(
    "box",
    [(-5, 80, 10, 10), (40, 80, 10, 10), (60, 5, 10, 10), (60, 170, 20, 10), (180, 80, 40, 10), (0, 0, 999, 999)],
    ids=str,
)
def test_what_is_not_seen_is_refused(box):
    square = Square(np.zeros((64, 64, 3), np.uint8), 0, 35, 180)
    with pytest.raises(
        ValueError, match=r"The nose is .* and not all seen: of this photograph the model sees columns 46 to 204 and rows 11 to 169"
    ):
        input_box(box, square, 56, 56, "The nose")


def test_all_that_is_seen_and_next_to_nothing():
    square = Square(np.zeros((64, 64, 3), np.uint8), 0, 35, 180)
    assert input_box((46.25, 11.25, 157.5, 157.5), square, 56, 56, "All") == (0, 0, 56, 56)
    assert input_box((46, 11, 158, 158), square, 56, 56, "All") == (0, 0, 56, 56)
    assert input_box((60, 80, 0.1, 0.1), square, 56, 56, "A point")[2:] == (1, 1)
    assert input_box((203.7, 168.7, 0.05, 0.05), square, 56, 56, "The corner") == (55, 55, 1, 1)


def test_what_is_not_seen_may_be_cut_off():
    square = Square(np.zeros((64, 64, 3), np.uint8), 0, 35, 180)
    assert input_box((0, 0, 125, 90), square, 56, 56, "The head", clip=True) == (0, 0, 28, 28)
    assert input_box((0, 0, 999, 999), square, 40, 56, "The head", clip=True) == (0, 0, 56, 40)
    with pytest.raises(ValueError, match="not all seen"):
        input_box((0, 0, 46, 90), square, 56, 56, "The head", clip=True)
