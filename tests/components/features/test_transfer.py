import keras
import numpy as np
import pytest

from zfnet.components.features.candidates import Candidates
from zfnet.components.features.folds import draw_folds
from zfnet.components.features.transfer import Accuracy, measure_transfer
from zfnet.model import Deconvnet

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
    candidates = Candidates.of(examples)
    train = candidates.is_train
    folds = draw_folds(candidates.labels, train, ~train, examples.labels, most=6, test=5, folds=2, seed=0)
    results = measure_transfer(
        Deconvnet(net),
        candidates,
        folds,
        layers=["colour", "blind"],
        last="blind",
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
