import numpy as np
import pytest

from zfnet.model.deconvnet.frame import cut_window, move_inside


def test_window_is_padded_where_it_leaves_the_image():
    image = np.arange(1, 13, dtype="float32").reshape(3, 4, 1)
    assert cut_window(image, np.array([-1, 2]), (3, 3))[..., 0].tolist() == [[0, 0, 0], [3, 4, 0], [7, 8, 0]]


@pytest.mark.parametrize("size", [(3, 3), (1, 2), (6, 5), (9, 3), (2, 11), (9, 11)])
def test_a_window_that_is_moved_inside_shows_the_same_at_the_same_place(size):
    image = np.random.default_rng(0).normal(size=(6, 5, 2))
    corners = np.array([(row, column) for row in range(-9, 7) for column in range(-11, 6)])
    seen = np.zeros((len(corners), *image.shape))  # The image with nothing outside of the window.
    for frame, (row, column) in zip(seen, corners, strict=True):
        part = slice(max(row, 0), max(row + size[0], 0)), slice(max(column, 0), max(column + size[1], 0))
        frame[part] = image[part]
    windows = np.stack([cut_window(image, corner, size) for corner in corners])
    moved, inside = move_inside(windows, corners, (6, 5))
    height, width = min(size[0], 6), min(size[1], 5)
    assert moved.shape[1:] == (height, width, 2)
    assert inside.min() >= 0
    assert np.add(inside, moved.shape[1:3]).max(axis=0).tolist() == [6, 5]
    for frame, window, (row, column) in zip(seen, moved, inside, strict=True):
        np.testing.assert_array_equal(window, frame[row : row + height, column : column + width])
    # No further than it has to.
    stays = np.all((corners >= 0) & (corners + size <= (6, 5)), axis=1)
    np.testing.assert_array_equal(inside[stays], corners[stays])


def test_no_windows_at_all():
    moved, inside = move_inside(np.zeros((0, 3, 9, 1), np.float32), np.zeros((0, 2), int), (8, 8))
    assert (moved.shape, moved.dtype, inside.shape) == ((0, 3, 8, 1), np.float32, (0, 2))
