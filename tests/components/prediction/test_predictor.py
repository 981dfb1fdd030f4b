"""Models of several kinds, as their owners bring them."""

import keras
import numpy as np
import pytest

from zfnet.components.prediction.predictor import Predictor

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3)).astype(np.float32)


def net(classes, activation=None, shape=(16, 16, 3), scale=0.01):
    """One dense layer over the mean colour."""
    keras.utils.set_random_seed(0)
    start = keras.initializers.RandomNormal(stddev=scale)
    pooled = keras.layers.GlobalAveragePooling2D()
    return keras.Sequential([keras.Input(shape), pooled, keras.layers.Dense(classes, activation, kernel_initializer=start)])


def test_logits_and_probabilities_give_the_same_answers():
    logits, probabilities = net(4), net(4, "softmax")
    names = ["a", "b", "c", "d"]
    assert Predictor.of_model(logits, names, 4).answers(IMAGES) == Predictor.of_model(probabilities, names, 4).answers(IMAGES)


def test_one_sigmoid_is_the_probability_of_the_second_class():
    model = net(1, "sigmoid")
    for answer, second in zip(Predictor.of_model(model, ["no", "yes"], 5).answers(IMAGES), model(IMAGES).numpy()[:, 0], strict=True):
        found = dict(zip(answer.labels, answer.probabilities, strict=True))
        np.testing.assert_allclose([found["no"], found["yes"]], [1 - second, second], atol=1e-6)


def test_best_classes_come_first_and_names_may_be_missing():
    model = net(7, "softmax")
    (answer, *_), expected = Predictor.of_model(model, [], 3).answers(IMAGES), model(IMAGES).numpy()[0]
    assert answer.labels == [str(place) for place in np.argsort(-expected)[:3]]
    np.testing.assert_allclose(answer.probabilities, np.sort(expected)[::-1][:3], atol=1e-6)


def test_image_without_finite_numbers_has_no_answer():
    spoiled = IMAGES.copy()
    spoiled[1] = np.nan
    found = Predictor.of_model(net(4, "softmax"), [], 2).answers(spoiled)
    assert [bool(answer.labels) for answer in found] == [True, False, True]


def two_outputs():
    inputs = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(3)(pooled), keras.layers.Dense(2)(pooled)])


@pytest.mark.parametrize(
    ("model", "labels", "said"),
    [
        (two_outputs(), [], r"outputs of \(None, 3\) and \(None, 2\), which are no classes"),
        (keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3)]), [], "which are no classes"),
        (net(4), ["a", "b"], "names 2 classes, and the model has 4 outputs"),
    ],
)
def test_other_models_are_refused(model, labels, said):
    with pytest.raises(ValueError, match=said):
        Predictor.of_model(model, labels, 5)
