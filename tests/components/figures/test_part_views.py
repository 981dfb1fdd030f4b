import numpy as np
import pytest

from zfnet.components.figures.part_views import demonstration, views_of_files
from zfnet.components.pictures.image_input import ImageInput
from zfnet.components.pictures.read_image import read_image

WIDE = ImageInput(40, 56, False)
# Of photographs of 90 x 70 and more: columns 14 to 76 and rows 12 to 58 are seen of the smallest.
PARTS = {"nose": (30, 20, 20, 10), "face": (20, 15, 50, 35)}


def test_files_with_boxes_in_pixels_of_the_net(folder):
    paths = [str(folder / "red/0.png"), str(folder / "blue/0.png")]
    found = views_of_files(paths, [PARTS, PARTS], "face", WIDE)
    assert found.names == ["0.png", "0.png"]
    np.testing.assert_array_equal(found.pictures, WIDE.crop(np.stack([read_image(path, 56) for path in paths])))
    # 64 stored pixels for 70: columns (30 - 10) * 64 / 70 - 4 = 14.3, rows 20 * 64 / 70 - 12 = 6.3; to 32.6 and 15.4.
    assert list(found.boxes) == ["nose"]
    assert found.boxes["nose"].tolist() == [[14, 6, 19, 9]] * 2
    assert found.within.tolist() == [[5, 2, 46, 32]] * 2
    whole = views_of_files(paths, [PARTS, PARTS], None, WIDE)
    assert list(whole.boxes) == ["nose", "face"]
    assert whole.within.tolist() == [[0, 0, 56, 40]] * 2


def test_what_cannot_be_compared(folder):
    paths = [str(folder / "red/0.png"), str(folder / "red/../red/0.png")]
    with pytest.raises(ValueError, match=r"0.png is there twice; expected different images"):
        views_of_files(paths, [PARTS, PARTS], None, WIDE)
    paths[1] = str(folder / "blue/0.png")
    outside = PARTS | {"nose": (0, 20, 20, 10)}
    with pytest.raises(ValueError, match=r"The box of 'nose' in 0.png is 0, 20, 20, 10 .* and not all seen"):
        views_of_files(paths, [PARTS, outside], None, WIDE)


@pytest.mark.parametrize("size", [(96, 96), (120, 224), (100, 80)])
def test_the_demonstration_fits_nets_of_any_size(size):
    found = demonstration(ImageInput(*size, False))
    assert list(found.boxes) == ["right eye", "left eye", "nose"]
    assert found.pictures.shape == (5, *size, 3)
    assert "not Table 1" in found.note
    for boxes in found.boxes.values():
        assert (boxes[:, 2:] <= found.within[:, 2:]).all()
