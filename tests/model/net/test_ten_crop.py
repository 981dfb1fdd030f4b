import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.net.ten_crop import crop_corner, ten_crop


def test_ten_crops_of_a_five_by_five_image():
    image = np.arange(25, dtype="float32").reshape(1, 5, 5, 1)
    crops = ten_crop(tf.constant(image), 3)[0, ..., 0].numpy()
    corners = [0, 2, 10, 12, 6]  # top left, top right, bottom left, bottom right, centre
    assert crops[:5, 0, 0].tolist() == corners
    assert crops[0].tolist() == [[0, 1, 2], [5, 6, 7], [10, 11, 12]]
    np.testing.assert_array_equal(crops[5:], crops[:5, :, ::-1])


def test_corners_are_those_of_the_crops():
    image = np.arange(64, dtype="float32").reshape(1, 8, 8, 1)
    crops = ten_crop(tf.constant(image), 5)[0, ..., 0].numpy()
    for index in range(10):
        top, left = (int(place) for place in crop_corner(index, 8, 5))
        upright = crops[index] if index < 5 else crops[index][:, ::-1]
        assert upright[0, 0] == image[0, top, left, 0]


def test_non_square_images_are_refused():
    with pytest.raises(ValueError, match="images are 8 x 6"):
        ten_crop(tf.zeros((1, 8, 6, 3)), 5)
