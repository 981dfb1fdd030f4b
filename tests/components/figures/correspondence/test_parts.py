import json

import numpy as np
import pytest
from PIL import Image

from zfnet.components.figures.correspondence.parts import (
    FACE,
    check_parts,
    demonstration,
    face_views,
    given_part_boxes,
    input_box,
    read_part_boxes,
    views_of_files,
)
from zfnet.components.inputs.centre_crop import CentreCrop, read_centre_crop, read_image
from zfnet.components.inputs.image_input import ImageInput

NOSE, EYE = [10, 20, 5, 6], [1.5, 2, 3, 4]
CONTENT = {"a.png": {"nose": NOSE, "eye": EYE}, "more/b.png": {"eye": EYE, "nose": NOSE}}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "faces").mkdir()

    def write(content):
        path = tmp_path / "faces" / "boxes.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_paths_begin_at_the_directory_of_the_file(file, tmp_path, monkeypatch):
    path = file(CONTENT)
    images, parts = read_part_boxes(path)
    assert images == [str(tmp_path / "faces/a.png"), str(tmp_path / "faces/more/b.png")]
    assert parts == [{"nose": tuple(NOSE), "eye": tuple(EYE)}, {"eye": tuple(EYE), "nose": tuple(NOSE)}]
    monkeypatch.chdir(tmp_path / "faces")
    images, parts = read_part_boxes(path, ["more/../more/b.png", "a.png"])
    assert images == ["more/../more/b.png", "a.png"]
    assert list(parts[0]) == ["eye", "nose"]
    with pytest.raises(ValueError, match=r"has no boxes of b.png. It has those of a.png, more/b.png"):
        read_part_boxes(path, ["b.png"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "boxes.json are no JSON that can be read"),
        ('{"a.png": {"nose": [1, 2, 3, 4], "nose": [1, 2, 3, 4]}}', "'nose' is there twice"),
        ("[]", "are not of the form {image: {part:"),
        ("{}", "are not of the form"),
        ({"a.png": [1, 2, 3, 4]}, "are not of the form"),
        ({"a.png": {"nose": [1, 2, 3]}}, r"'nose' of 'a.png' is \[1, 2, 3\]; expected \[left, top, width, height\]"),
        ({"a.png": {"nose": [1, 2, 0, 4]}}, "width and height above 0"),
        ({"a.png": {"nose": [1, 2, 3, "4"]}}, r"'nose' of 'a.png' is \[1, 2, 3, \"4\"\]; expected"),
        ({"a.png": {"nose": [1, 2, 3, True]}}, "expected"),
        ('{"a.png": {"nose": [NaN, 2, 3, 4]}}', "expected"),
    ],
)
def test_files_of_another_form_are_refused(file, content, message):
    with pytest.raises(ValueError, match=message):
        read_part_boxes(file(content))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"The boxes .*none.json can't be read: No such file"):
        read_part_boxes(tmp_path / "none.json")


def test_given_one_by_one():
    given = given_part_boxes(["nose=1,2,3,4", "left=eye=5,6,7,8", "nose=9,10,11.5,12", "left=eye=1,1,1,1"], ["a", "b"])
    assert given == [{"nose": (1, 2, 3, 4), "left=eye": (5, 6, 7, 8)}, {"nose": (9, 10, 11.5, 12), "left=eye": (1, 1, 1, 1)}]
    assert given_part_boxes([], []) == []
    with pytest.raises(ValueError, match="'eye' was given 1 times for 2 images; expected a box for each image"):
        given_part_boxes(["nose=1,2,3,4", "nose=1,2,3,4", "eye=1,2,3,4"], ["a", "b"])


@pytest.mark.parametrize("option", ["nose", "nose=", "=1,2,3,4", "nose=1,2,3", "nose=1,2,3,x", "nose=1,2,-3,4", "nose=1,2,3,nan"])
def test_what_is_no_box(option):
    with pytest.raises(ValueError, match=r"The box .* is none; expected PART=left,top,width,height"):
        given_part_boxes([option], ["a"])


def test_parts_are_the_same_in_all_images():
    one, other = {"nose": NOSE, "face": EYE}, {"nose": NOSE, "eye": EYE, "face": EYE}
    assert check_parts(["a", "b"], [one, one], None) == ["nose", "face"]
    assert check_parts(["a", "b"], [one, one], "face") == ["nose"]
    for parts, message in (
        ([one, other], "There is no box of 'eye' in a"),
        ([other, one], "There is no box of 'eye' in b"),
        ([{}, {}], "There are no boxes around parts"),
    ):
        with pytest.raises(ValueError, match=message):
            check_parts(["a", "b"], parts, None)
    with pytest.raises(ValueError, match="There is 1 image; expected at least two"):
        check_parts(["a"], [one], None)
    with pytest.raises(ValueError, match=r"There are no boxes of 'head', in which random ones shall lie. There are those of nose, face"):
        check_parts(["a", "b"], [one, one], "head")
    with pytest.raises(ValueError, match="There are no boxes around parts"):
        check_parts(["a", "b"], [{"face": EYE}] * 2, "face")


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
    square = read_centre_crop(tmp_path / "mark.jpg", 56)
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
    square = CentreCrop(np.zeros((64, 64, 3), np.uint8), 0, 35, 180)
    with pytest.raises(
        ValueError, match=r"The nose is .* and not all seen: of this photograph the model sees columns 46 to 204 and rows 11 to 169"
    ):
        input_box(box, square, 56, 56, "The nose")


def test_all_that_is_seen_and_next_to_nothing():
    square = CentreCrop(np.zeros((64, 64, 3), np.uint8), 0, 35, 180)
    assert input_box((46.25, 11.25, 157.5, 157.5), square, 56, 56, "All") == (0, 0, 56, 56)
    assert input_box((46, 11, 158, 158), square, 56, 56, "All") == (0, 0, 56, 56)
    assert input_box((60, 80, 0.1, 0.1), square, 56, 56, "A point")[2:] == (1, 1)
    assert input_box((203.7, 168.7, 0.05, 0.05), square, 56, 56, "The corner") == (55, 55, 1, 1)


def test_what_is_not_seen_may_be_cut_off():
    square = CentreCrop(np.zeros((64, 64, 3), np.uint8), 0, 35, 180)
    assert input_box((0, 0, 125, 90), square, 56, 56, "The head", clip=True) == (0, 0, 28, 28)
    assert input_box((0, 0, 999, 999), square, 40, 56, "The head", clip=True) == (0, 0, 56, 40)
    with pytest.raises(ValueError, match="not all seen"):
        input_box((0, 0, 46, 90), square, 56, 56, "The head", clip=True)


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
