import keras
import numpy as np
import pytest

from zfnet.components.features.candidates import Candidates
from zfnet.components.features.from_scratch import fresh_copy, train_from_scratch
from zfnet.components.inputs.preprocessing import with_preprocessing
from zfnet.model import build

layers = keras.layers


def small_net(*top, shape=(56, 40, 3)):
    body = [keras.Input(shape), layers.Conv2D(4, 5, strides=4, activation="relu", name="conv"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([*body, *top])


@pytest.mark.parametrize(
    "net",
    [
        small_net(layers.Dense(7, activation="softmax")),
        small_net(layers.Dense(7)),
        small_net(layers.Dense(7), layers.Activation("softmax")),
        with_preprocessing(small_net(layers.Dense(7), layers.Softmax()), "torch"),
        small_net(layers.Dense(5, activation="relu"), layers.Dense(7, activation="sigmoid")),
        keras.Sequential([keras.Input((56, 40, 3)), layers.Conv2D(2, 5, strides=9)]),
    ],
)
def test_a_copy_has_fresh_weights_and_probabilities_of_the_new_classes(net):
    before = [weight.copy() for weight in net.get_weights()]
    copy = fresh_copy(net, 3)
    images = np.random.default_rng(0).uniform(0, 255, (2, 56, 40, 3)).astype(np.float32)
    answers = copy.predict_on_batch(images)
    assert answers.shape == (2, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    flat = [layer for layer in copy._flatten_layers(include_self=False) if isinstance(layer, layers.Softmax | layers.Activation)]
    assert len(flat) == 1
    for one, other in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_mean_image_is_kept_and_the_filters_are_not():
    mean = np.random.default_rng(0).uniform(0, 255, (56, 56, 3)).astype(np.float32)
    net = build("zfnet-small", (56, 56, 3), 5, mean_image=mean)
    copy = fresh_copy(net, 3)
    np.testing.assert_array_equal(copy.get_layer("mean_image").get_weights()[0], mean)
    assert not np.array_equal(copy.get_layer("conv1").get_weights()[0], net.get_layer("conv1").get_weights()[0])


def test_frozen_layers_learn_again():
    body = keras.Sequential([keras.Input((56, 40, 3)), layers.Conv2D(4, 5, strides=4, name="conv"), layers.BatchNormalization()])
    body.trainable = False
    net = keras.Sequential([keras.Input((56, 40, 3)), body, layers.GlobalAveragePooling2D(), layers.Dense(7)])
    assert len(net.trainable_weights) == 2
    # Filters and their bias, scale and offset of the normalisation, the classifier's two.
    assert len(fresh_copy(net, 3).trainable_weights) == 6


def test_a_net_whose_classifier_can_not_be_replaced_is_refused():
    net = keras.Sequential([keras.Input((56, 40, 3)), layers.Conv2D(7, 1), layers.GlobalAveragePooling2D(), layers.Softmax()])
    with pytest.raises(ValueError, match="can't be trained from scratch"):
        fresh_copy(net, 3)


def test_it_learns_and_the_same_seed_gives_the_same(examples, tmp_path):
    net = small_net(layers.Rescaling(1 / 255), layers.Dense(7, activation="softmax"))
    candidates = Candidates(examples)
    train, test = np.flatnonzero(candidates.is_train)[:12], np.flatnonzero(~candidates.is_train)[::-1]
    one, other = (train_from_scratch(net, candidates, train, test, tmp_path / name, 0) for name in "ab")
    assert one.shape == test.shape
    np.testing.assert_array_equal(one, other)
