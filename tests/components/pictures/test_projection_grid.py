import numpy as np
import pytest

from zfnet.components.pictures.project_images import ProjectedImage
from zfnet.components.pictures.projection_grid import FRAME, TILE, projection_grid
from zfnet.components.pictures.sheet import GAP

GREY = np.full((96, 48, 3), 90, np.uint8)
BLUE = (0, 0, 255)


def found(height, width, corner=(0, 0)):
    picture = np.full((height, width, 3), BLUE, np.uint8)
    return ProjectedImage(0, (0, 0), 1.0, corner, picture, picture)


def frame(picture):
    rows, columns = np.nonzero(np.all(picture == FRAME, axis=-1))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_window_is_framed_in_the_image():
    picture = projection_grid(GREY[None], [found(24, 12, corner=(48, 24))], [""])
    top, left = (np.flatnonzero(np.any(picture != 255, axis=(2, axis)))[0] for axis in (1, 0))
    assert left == 6 * GAP + TILE // 4  # The image is half as wide as high.
    scale = TILE / 96
    expected = top + 48 * scale, top + 72 * scale - 1, left + 24 * scale, left + 36 * scale - 1
    np.testing.assert_allclose(frame(picture), expected, atol=1)
    assert np.all(picture == BLUE, axis=-1).sum() == 2 * TILE * TILE // 2


def test_frame_of_a_window_in_the_corner_of_the_image():
    picture = projection_grid(GREY[None], [found(30, 30, corner=(66, 18))], [""])
    right, bottom = 6 * GAP + TILE * 3 // 4, 6 * GAP + 18 + TILE
    rows = frame(picture)
    np.testing.assert_allclose(rows, (bottom - 70, bottom - 1, right - 70, right - 1), atol=1)
    assert (rows[1] < bottom, rows[3] < right) == (True, True)
    assert np.all(picture[rows[1], rows[2] : rows[3] + 1] == FRAME)


@pytest.mark.parametrize("corner", [(0, 0), (797, 397), (0, 100), (397, 0)])
def test_window_of_less_than_a_pixel_of_the_tile(corner):
    image = np.full((800, 400, 3), 90, np.uint8)
    assert projection_grid(image[None], [found(3, 3, corner)], [""]).shape[1] == 3 * (TILE + GAP) - GAP + 12 * GAP


def test_whole_image_needs_no_frame():
    picture = projection_grid(GREY[None], [found(96, 48)], ["cat"])
    assert picture.shape[1] == 2 * TILE + GAP + 12 * GAP
    assert not np.any(np.all(picture == FRAME, axis=-1))


def test_many_images_make_a_sheet():
    picture = projection_grid(np.stack([GREY] * 7), [found(96, 48)] * 7, ["cat"] * 7)
    assert picture.shape[1] == 2 * (2 * TILE + GAP + 6 * GAP) + 6 * GAP
