import numpy as np
import pytest

from zfnet.components.figures.correspondence.part_boxes import input_box
from zfnet.components.figures.correspondence.part_views import FACE, demonstration, face_views, views_of_files
from zfnet.components.inputs.centre_crop import read_image
from zfnet.components.inputs.image_input import ImageInput

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


def test_eyes_are_dark_and_where_a_face_has_them():
    names, squares, boxes = face_views(96)
    assert len(names) == len(squares) == len(boxes) == 5
    assert sum("mirrored" in name for name in names) == 2
    for square, parts in zip(squares, boxes, strict=True):
        seen = square.central(96, 96)
        found = {part: input_box(box, square, 96, 96, part) for part, box in parts.items()}
        right, left, nose, face = (found[part] for part in ("right eye", "left eye", "nose", FACE))
        assert right[0] + right[2] <= left[0]  # Her right is left in the picture.
        assert right[1] < nose[1]
        assert right[0] < nose[0] < left[0]
        for eye in (right, left, nose):
            assert all(face[axis] <= eye[axis] and eye[axis] + eye[axis + 2] <= face[axis] + face[axis + 2] for axis in (0, 1))
        shades = [_cut(seen, box).mean(axis=2) for box in (right, left)]
        # The pupil is in the middle third of the box, and the darkest there.
        for shade in shades:
            row, column = np.unravel_index(shade.argmin(), shade.shape)
            assert 0.2 < (row + 0.5) / shade.shape[0] < 0.8
            assert 0.2 < (column + 0.5) / shade.shape[1] < 0.8
            assert shade.min() < 90


def _cut(image, box):
    left, top, width, height = box
    return image[top : top + height, left : left + width].astype(float)


def test_views_differ():
    squares = [square.central(96, 96).astype(float) for square in face_views(96)[1]]
    for number, one in enumerate(squares):
        for other in squares[number + 1 :]:
            assert abs(one - other).mean() > 15
