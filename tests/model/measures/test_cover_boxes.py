import numpy as np

from zfnet.model.measures.cover_boxes import cover_boxes


def test_boxes_of_images_that_are_not_square():
    images = np.random.default_rng(0).uniform(0, 255, (2, 6, 9, 3)).astype(np.float32)
    boxes = np.array([[1, 2, 4, 3], [0, 0, 9, 1]])
    expected = images.copy()
    expected[0, 2:5, 1:5], expected[1, 0:1, 0:9] = (10, 20, 30), (10, 20, 30)
    fill = np.array([10, 20, 30])
    np.testing.assert_array_equal(cover_boxes(images, boxes, fill), expected)
    first = cover_boxes(images.transpose(0, 3, 1, 2), boxes, fill[:, None, None], channels_first=True)
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), expected)
    mean = np.arange(6 * 9 * 3).reshape(6, 9, 3)
    np.testing.assert_array_equal(cover_boxes(images, boxes, mean)[0, 2:5, 1:5], mean[2:5, 1:5])
