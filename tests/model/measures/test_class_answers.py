import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from zfnet.model import Deconvnet
from zfnet.model.measures import class_answers as module
from zfnet.model.measures.class_answers import AnswerCounts, class_answers

UNITS, CLASSES = 7, 5


def drawn(count, seed=0):
    """Activations with many zeros and ties, and labels; unit 0 is dead, unit 1 answers to class 3, class 4 has few images."""
    random = np.random.default_rng(seed)
    labels = random.choice(CLASSES, count, p=[0.3, 0.3, 0.2, 0.19, 0.01])
    values = np.maximum(random.normal(size=(count, UNITS)), 0).astype(np.float32)
    values[:, 0] = 0
    values[:, 1] += 1.5 * (labels == 3)
    values[:, 2] = values[:, 2].round(1)
    values[:, 3] -= 2  # As logits.
    return values, labels


def counted(values, labels, step=97, classes=None):
    counts = AnswerCounts(labels, classes)
    for start in range(0, len(values), step):
        counts.seen("layer", values[start : start + step], np.arange(start, min(start + step, len(values))))
    return counts.answers("layer")


def naive_auc(values, is_of):
    """Share of the pairs in which the first is greater, where equal ones count half."""
    differences = values[is_of][:, None] - values[~is_of][None]
    return (differences > 0).mean() + (differences == 0).mean() / 2


def aucs(values, labels):
    return np.array([[roc_auc_score(labels == label, column) for label in range(CLASSES)] for column in values.T])


def test_auc_equals_scikit_learn_and_all_pairs():
    values, labels = drawn(700)
    found = counted(values, labels)
    assert found.auc_error == 0
    np.testing.assert_allclose(found.auc, aucs(values, labels), rtol=1e-6)
    pairs = [[naive_auc(column, labels == label) for label in range(CLASSES)] for column in values.T]
    np.testing.assert_allclose(found.auc, pairs, rtol=1e-6)
    assert (found.auc[0] == 0.5).all()
    assert found.best(1, 2)[0] == 3


def test_error_of_the_bins_is_bounded(monkeypatch):
    # The first images are not like the others, and there are few bins.
    monkeypatch.setattr(module, "FIRST", 300)
    monkeypatch.setattr(module, "NEXT", 100)
    monkeypatch.setattr(module, "COUNTS", 40 * UNITS * CLASSES)
    values, labels = drawn(5000)
    values[300:] *= 1.7
    found = counted(values, labels)
    errors = np.abs(found.auc - aucs(values, labels))
    assert 0 < errors.max() <= found.auc_error < 0.05
    assert errors[0].max() == 0  # All zeros are in one bin, and equal indeed.


def test_share_counts_the_strongest_images():
    values, labels = drawn(700)
    found, sizes = counted(values, labels), np.bincount(labels)
    assert found.counted.tolist() == np.minimum(sizes, 100).tolist()
    for unit, column in enumerate(values.T):
        order = np.argsort(-column, kind="stable")
        order = order[column[order] > 0]
        for label, size in enumerate(found.counted.tolist()):
            assert found.share[unit, label] == pytest.approx((labels[order[:size]] == label).sum() / size)
    assert (found.share[0] == 0).all()


def test_nine_strongest_within_each_class():
    values, labels = drawn(700)
    found = counted(values, labels)
    for unit, column in enumerate(values.T):
        for label in range(CLASSES):
            numbers = np.flatnonzero(labels == label)
            order = numbers[np.argsort(-column[numbers], kind="stable")][:9]
            assert found.examples[unit, label, : len(order)].tolist() == order.tolist()
            assert (found.examples[unit, label, len(order) :] == -1).all()
            np.testing.assert_array_equal(found.values[unit, label, : len(order)], column[order])


def test_parts_and_their_order_do_not_matter(monkeypatch):
    monkeypatch.setattr(module, "NEXT", 64)
    values, labels = drawn(500)
    whole, parts = counted(values, labels, 500), AnswerCounts(labels)
    for start in (400, 0, 200, 300, 100):
        parts.seen("layer", values[start : start + 100], np.arange(start, start + 100))
    for name, expected in whole._asdict().items():
        np.testing.assert_array_equal(getattr(parts.answers("layer"), name), expected)


def test_classes_without_images():
    values, labels = drawn(60)
    found = counted(values, np.minimum(labels, 2), classes=4)
    assert np.isnan(found.auc[:, 3]).all()
    assert np.isnan(found.share[:, 3]).all()
    assert found.best(1, 9) == sorted(range(3), key=lambda label: -found.auc[1, label])
    alone = counted(values, np.zeros(60, int))
    assert np.isnan(alone.auc).all()
    assert alone.best(0, 3) == []


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(6, 3, activation="relu", name="maps"), keras.layers.Flatten(), keras.layers.Dense(4, name="units")]
    return keras.Sequential([keras.Input((9, 12, 3)), *layers])


def test_of_a_net_in_one_pass(net):
    images = np.random.default_rng(0).normal(size=(40, 9, 12, 3)).astype("float32")
    labels = np.arange(40) % 3
    passes = []

    def batches():
        passes.append(1)
        for start in range(0, 40, 16):
            yield images[start : start + 16], np.arange(start, min(start + 16, 40))

    found = class_answers(Deconvnet(net), batches(), ["maps", "units"], labels)
    assert len(passes) == 1
    maps, units = Deconvnet(net).activations(images, ["maps", "units"])
    for layer, values in (("maps", maps.numpy().max(axis=(1, 2))), ("units", units.numpy())):
        expected = [[roc_auc_score(labels == label, column) for label in range(3)] for column in values.T]
        np.testing.assert_allclose(found[layer].auc, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "There are 2 labels, and an image with the id 3"),
        ([[1, 0]] * 4, "argmax"),
        ([0.5] * 4, "whole numbers"),
        ([-1] * 4, "0 on"),
    ],
)
def test_labels_that_are_none(net, labels, message):
    with pytest.raises(ValueError, match=message):
        class_answers(net, [np.zeros((4, 9, 12, 3))], ["maps"], labels)


def test_activations_that_are_not_numbers():
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="units")])
    with pytest.raises(ValueError, match="layer 'units' are not all numbers"):
        class_answers(net, [np.full((4, 3), np.nan, "float32")], ["units"], [0, 1, 0, 1])
