import numpy as np

from zfnet.components.figures.face_views import FACE, face_views
from zfnet.components.pictures.input_box import input_box


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
