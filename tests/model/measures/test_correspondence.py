import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet
from zfnet.model.measures.correspondence import change_signs, pair_distances, random_boxes, sign_changes
from zfnet.model.measures.occlusion import cover_boxes

layers = keras.layers
FILL = np.array([128.0] * 3)


def test_signs_have_three_values():
    features = np.array([[2.0, 2.0, 2.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    occluded = np.array([[1.0, 2.0, 3.0, 0.0, 1e-5], [1.0, 2.0 + 1e-4, 3.0 - 1e-4, 0.0, 5.0 + 4e-5]])
    signs = change_signs(features, occluded, scale=5.0)
    assert signs.dtype == np.int8
    np.testing.assert_array_equal(signs, [[1, 0, -1, 0, 0], [0, -1, 1, 1, 0]])


def test_hamming_distances_by_hand():
    signs = np.array([[1, 0, -1, 0], [1, 1, -1, 0], [-1, 0, 0, 0]])
    # 0 against 1 counts as much as -1 against 1; 0 against 0 is the same.
    assert pair_distances(signs).tolist() == [1 / 4, 2 / 4, 3 / 4]
    with pytest.raises(ValueError, match="There is 1 image to compare; expected at least two"):
        pair_distances(signs[:1])


def test_random_boxes_lie_everywhere_inside_and_nowhere_else():
    within = np.array([[3, 1, 5, 4], [0, 0, 2, 2]])
    boxes = random_boxes(np.array([[4, 2], [2, 2]]), within, 200, np.random.default_rng(0))
    assert boxes.shape == (200, 2, 4)
    assert set(map(tuple, boxes[:, 0])) == {(left, top, 4, 2) for left in (3, 4) for top in (1, 2, 3)}
    assert set(map(tuple, boxes[:, 1])) == {(0, 0, 2, 2)}
    with pytest.raises(ValueError, match="A box of 3 x 1 pixels does not fit into the 2 x 2 of image 2"):
        random_boxes(np.array([[4, 2], [3, 1]]), within, 1, np.random.default_rng(0))


def test_the_whole_by_hand():
    # Each feature is one pixel's red: hiding a pixel brighter than the box lowers it (1), a darker one raises it (-1).
    net = keras.Sequential([keras.Input((1, 4, 3)), layers.Conv2D(1, 1, use_bias=False, name="red")])
    net.layers[0].set_weights([np.array([1.0, 0, 0]).reshape(1, 1, 3, 1)])
    images = np.zeros((3, 1, 4, 3), np.float32)
    images[:, 0, :, 0] = [[200, 10, 128, 90], [250, 20, 129, 90], [5, 10, 0, 250]]
    boxes = np.array([[0, 0, 3, 1], [0, 0, 3, 1], [1, 0, 3, 1]])
    # Signs: (1, -1, 0, 0), (1, -1, 1, 0), (0, -1, -1, 1).
    (found,) = sign_changes(Deconvnet(net), images, boxes[None], FILL, ["red"])
    assert found["red"].tolist() == [1 / 4, 3 / 4, 3 / 4]


@pytest.fixture(scope="module")
def planted():
    """A net with correspondence in `corresponding`: nine features that see nothing but a red square, wherever it is.

    The features of `anything` are the pixels' brightness, whose change depends on what is hidden.
    """
    keras.utils.set_random_seed(0)
    image = keras.Input((24, 32, 3))
    red = layers.Conv2D(1, 1, use_bias=False, activation="relu", name="red")(image)
    corresponding = layers.Dense(9, name="corresponding")(layers.GlobalAveragePooling2D()(red))
    brightness = layers.AveragePooling2D(2, name="anything")(layers.Conv2D(1, 1, use_bias=False, name="grey")(image))
    net = keras.Model(image, layers.Concatenate()([corresponding, layers.Flatten()(brightness)]))
    net.get_layer("red").set_weights([np.array([1.0, -1, -1]).reshape(1, 1, 3, 1)])
    net.get_layer("grey").set_weights([np.ones((1, 1, 3, 1)) / 3])
    return Deconvnet(net)


@pytest.fixture(scope="module")
def faces():
    """Noise in grey, with a red square at a place of its own in each image; and the boxes around it."""
    random = np.random.default_rng(0)
    images = np.repeat(random.uniform(0, 255, (5, 24, 32, 1)), 3, axis=3).astype(np.float32)
    boxes = np.array([[random.integers(0, 27), random.integers(0, 19), 6, 6] for _ in images])
    for image, (left, top, width, height) in zip(images, boxes, strict=True):
        image[top : top + height, left : left + width] = 250, 10, 10
    return images, boxes


def test_planted_correspondence_is_found(planted, faces):
    images, boxes = faces
    (part,) = sign_changes(planted, images, boxes[None], FILL, ["corresponding", "anything"])
    everywhere = np.tile([0, 0, 32, 24], (5, 1))
    drawn = random_boxes(boxes[:, 2:], everywhere, 60, np.random.default_rng(1))
    others = list(sign_changes(planted, images, drawn, FILL, ["corresponding", "anything"]))
    assert part["corresponding"].max() == 0
    chance = np.mean([each["corresponding"].mean() for each in others])
    # Of two random boxes one meets a square and the other does not as often as their areas say: then all nine features differ.
    touched = [[_overlap(one, two) for one, two in zip(draw, boxes, strict=True)] for draw in drawn]
    expected = np.mean([np.mean([one != two for place, one in enumerate(draw) for two in draw[place + 1 :]]) for draw in touched])
    assert 0.1 < expected < 0.9
    np.testing.assert_allclose(chance, expected)
    assert part["anything"].mean() == pytest.approx(np.mean([each["anything"].mean() for each in others]), rel=0.5)


def _overlap(one, two):
    return all(one[axis] < two[axis] + two[axis + 2] and two[axis] < one[axis] + one[axis + 2] for axis in (0, 1))


@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
def test_batches_change_nothing(planted, faces, batch_size):
    images, boxes = faces
    drawn = random_boxes(boxes[:, 2:], np.tile([0, 0, 32, 24], (5, 1)), 7, np.random.default_rng(0))
    found = list(sign_changes(planted, images, drawn, FILL, ["anything"], batch_size))
    assert len(found) == 7
    for box, each in zip(drawn, found, strict=True):
        change = np.asarray(_brightness(images) - _brightness(cover_boxes(images, box, FILL)))
        signs = np.sign(np.where(abs(change) < 1e-2, 0, change)).reshape(5, -1)
        expected = [np.mean(signs[one] != signs[two]) for one in range(5) for two in range(one + 1, 5)]
        np.testing.assert_allclose(each["anything"], expected, atol=1 / signs.shape[1])


def _brightness(images):
    return tf.nn.avg_pool2d(images.mean(axis=3, keepdims=True), 2, 2, "VALID")


def test_features_that_do_not_see_the_box_do_not_change():
    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.Input((40, 48, 3)), layers.Conv2D(8, 5, name="a"), layers.Conv2D(8, 5, strides=8, name="b")])
    images = np.random.default_rng(0).uniform(0, 255, (16, 40, 48, 3)).astype(np.float32)
    boxes = np.tile([20, 20, 4, 4], (16, 1))
    (found,) = sign_changes(Deconvnet(net), images, boxes[None], FILL, ["b"], batch_size=5)
    # Of 4 x 5 positions, each seeing 9 pixels, 2 x 2 see the box.
    assert 0 < found["b"].max() <= 4 / 20
