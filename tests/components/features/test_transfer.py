import keras
import numpy as np
import pytest

from zfnet.components.data.batches import central_crops
from zfnet.components.features.candidates import Candidates, draw_folds
from zfnet.components.features.transfer import (
    Accuracy,
    check_free_space,
    classify,
    extract_features,
    measure_transfer,
    per_class_accuracy,
)
from zfnet.model import Deconvnet

LABELS = np.arange(60) % 3


# The photographs of the tests are red, green and blue: the three classes.


@pytest.fixture(scope="module")
def net():
    """`colour` sees the colours, `blind` nothing."""
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((56, 56, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(3, 1, strides=8, activation="relu", name="colour"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="relu", name="blind"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    net.get_layer("colour").set_weights([np.eye(3, dtype=np.float32)[None, None], np.zeros(3)])
    net.get_layer("blind").set_weights([np.zeros((3, 2)), np.ones(2)])
    return net


def test_a_layer_that_sees_the_classes_and_one_that_is_blind(examples, net, tmp_path):
    candidates = Candidates(examples)
    train = candidates.is_train
    folds = draw_folds(candidates.labels, train, ~train, examples.labels, most=6, test=5, folds=2, seed=0)
    results = measure_transfer(
        Deconvnet(net),
        candidates,
        folds,
        layers=["colour", "blind"],
        classifiers=["softmax", "svm"],
        per_class=[3, 6],
        from_scratch=False,
        seed=0,
        work=tmp_path,
    )
    found = {(result.classifier, result.layer, result.per_class): result for result in results}
    assert set(found) == {(name, *which) for name in ("softmax", "svm") for which in [("colour", 6), ("blind", 3), ("blind", 6)]}
    for (_, layer, _), result in found.items():
        assert len(result.folds) == len(folds)
        assert result.of_folds == pytest.approx([1.0 if layer == "colour" else 1 / 3] * 2)


def test_mean_over_classes_then_over_folds():
    found = Accuracy("svm", "fc7", 5, [[1.0, 0.5], [0.0, 0.5]])
    assert found.of_folds == [0.75, 0.25]
    assert found.mean == 0.5
    assert found.deviation == pytest.approx(0.5**0.5 / 2)
    assert Accuracy("svm", "fc7", 5, [[1.0, 0.5]]).deviation is None


def test_of_an_unbalanced_set_by_hand():
    labels, answers = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 0, 0])
    found = per_class_accuracy(labels, answers, 3)
    np.testing.assert_array_equal(found, [3 / 4, 1 / 2, 0])
    assert found.mean() == pytest.approx(5 / 12)
    assert np.mean(labels == answers) == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("labels", "answers", "message"),
    [([0, 2], [0, 2], "Class 1 has no image"), ([0, 1, 2], [0, 1], "one prediction a label"), ([0, 1, 3], [0, 1, 2], "expected 0 to 2")],
)
def test_what_has_no_accuracy_is_refused(labels, answers, message):
    with pytest.raises(ValueError, match=message):
        per_class_accuracy(np.array(labels), np.array(answers), 3)


@pytest.mark.parametrize("classifier", ["softmax", "svm"])
def test_separable_features_are_told_apart(classifier):
    features = np.eye(3)[LABELS] + np.random.default_rng(0).normal(0, 0.05, (60, 3))
    np.testing.assert_array_equal(classify(classifier, features[:30], LABELS[:30], features[30:], 0), LABELS[30:])


@pytest.mark.parametrize("classifier", ["softmax", "svm"])
def test_random_labels_are_answered_by_chance(classifier):
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(1200, 5)) / np.sqrt(5), random.integers(0, 3, 1200)
    answers = classify(classifier, features[:600], labels[:600], features[600:], 0)
    assert np.mean(answers == labels[600:]) == pytest.approx(1 / 3, abs=0.07)


def test_an_unknown_classifier_is_refused():
    with pytest.raises(ValueError, match="no classifier 'tree'; there are softmax, svm"):
        classify("tree", np.zeros((2, 1)), np.arange(2), np.zeros((1, 1)), 0)


def test_no_convergence_is_an_error(monkeypatch):
    monkeypatch.setattr("zfnet.components.features.transfer.MOST_ITERATIONS", 1)
    features = np.random.default_rng(0).normal(size=(60, 9))
    with pytest.raises(ValueError, match="softmax did not converge"):
        classify("softmax", features, LABELS, features, 0)


@pytest.fixture(scope="module")
def narrow_net():
    """Takes 40 x 56 pixels."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((40, 56, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 5, strides=3, activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(),
            layers.Dense(6, activation="relu", name="hidden"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


def test_features_are_those_of_the_keras_model(examples, narrow_net, tmp_path):
    candidates = Candidates(examples)
    chosen = [len(candidates) - 1, 3, 0, candidates.is_train.sum(), 3]
    numbers, features = extract_features(Deconvnet(narrow_net), candidates, chosen, ["pool", "hidden"], tmp_path)
    assert numbers.tolist() == sorted(set(chosen))
    images = np.concatenate(
        [batch[0] for split in ("train", "validation") for batch in central_crops(examples, split, size=56, batch_size=8)]
    )
    sub = keras.Model(narrow_net.inputs, [narrow_net.get_layer("pool").output, narrow_net.get_layer("hidden").output])
    for layer, expected in zip(("pool", "hidden"), sub.predict(images[numbers][:, 8:48], verbose=0), strict=True):
        np.testing.assert_allclose(features[layer], expected.reshape(len(numbers), -1), atol=1e-5)


def test_nan_is_an_error(examples, narrow_net, tmp_path):
    broken = keras.models.clone_model(narrow_net)
    broken.get_layer("classes").bias.assign(np.full(3, np.nan))
    with pytest.raises(ValueError, match="'classes' gives NaN"):
        extract_features(Deconvnet(broken), Candidates(examples), [0], ["pool", "classes"], tmp_path)


def test_a_full_disk_is_told_beforehand(tmp_path):
    with pytest.raises(OSError, match=r"1000000000.0 GB of disk.*name fewer --layer"):
        check_free_space(tmp_path, 10**18)
