import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model.net.evaluation import TopKError, crop_corner, ten_crop, top_k_error


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


@pytest.mark.parametrize(
    ("scores", "k", "error"),
    [
        ([0.5, 0.3, 0.2], 1, 0),
        ([0.3, 0.5, 0.2], 1, 1),
        ([0.3, 0.5, 0.2], 2, 0),
        ([0.4, 0.4, 0.2], 1, 1),  # a tie with another class
        ([0.4, 0.4, 0.2], 2, 0),
        ([1 / 3, 1 / 3, 1 / 3], 2, 1),  # a net that answers alike for all
        ([0.2, float("nan"), 0.1], 1, 1),
        ([float("nan")] * 3, 3, 1),
        ([0.1, 0.5, 0.4], 5, 0),  # more guesses than classes
    ],
)
def test_first_class_is_the_true_one(scores, k, error):
    assert top_k_error([0], [scores], k).numpy() == [error]


def test_agrees_with_sorting_where_nothing_is_tied():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(200, 20)).astype("float32"), rng.integers(0, 20, 200)
    expected = [label not in best for label, best in zip(labels, np.argsort(-scores, axis=1)[:, :5], strict=True)]
    np.testing.assert_array_equal(top_k_error(labels, scores, 5), expected)


def test_metric_is_the_mean_over_batches_of_any_size():
    metric = TopKError(1)
    metric.update_state([0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    metric.update_state([1], [[0.9, 0.1]])
    assert metric.name == "top1_error"
    assert float(metric.result()) == 0.5


def test_metric_is_made_again_from_its_config():
    metric = keras.metrics.deserialize(keras.metrics.serialize(TopKError(3)))
    assert (metric.k, metric.name) == (3, "top3_error")
