import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.deconvnet.image_batches import image_batches

IMAGES = np.zeros((4, 6, 5, 3))


def test_images_without_ids_are_counted():
    ids = [ids.tolist() for _, ids in image_batches([IMAGES, IMAGES[:2], tf.constant(IMAGES[:1])])]
    assert ids == [[0, 1, 2, 3], [4, 5], [6]]


def test_ids_stay():
    ((images, ids),) = image_batches([(IMAGES, tf.constant([7, 3, 9, 0]))])
    assert images is IMAGES
    assert (ids.tolist(), ids.dtype) == ([7, 3, 9, 0], np.int64)


@pytest.mark.parametrize("ids", [[1, 1, 2, 3], [0, 1, 2], [-1, 0, 1, 2], [0.0, 1.0, 2.0, 3.0], np.eye(4)])
def test_labels_are_no_ids(ids):
    with pytest.raises(ValueError, match=r"batch of 4 images came with ids of shape .* of images and labels, yield the images alone"):
        list(image_batches([(IMAGES, ids)]))
