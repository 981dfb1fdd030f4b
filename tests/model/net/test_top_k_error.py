import keras
import numpy as np
import pytest

from zfnet.model.net.top_k_error import TopKError, top_k_error


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
