import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from zfnet.model import Deconvnet, build
from zfnet.model.measures import outputs as module
from zfnet.model.measures.outputs import (
    check_finite_weights,
    feature_coordinates,
    flat_features,
    rectified_layers,
    rectified_output,
)

layers = keras.layers


def test_vectors_in_the_order_of_the_model_whatever_the_batch():
    net = keras.Sequential([keras.Input((6, 8, 3)), layers.Conv2D(4, 3, name="map"), layers.Flatten(), layers.Dense(2, name="dense")])
    images = np.random.default_rng(0).normal(size=(5, 6, 8, 3)).astype(np.float32)
    expected = [np.asarray(net.layers[0](images)).reshape(5, -1), net.predict(images, verbose=0)]
    for batch_size in (2, 5, 64):
        found = flat_features(Deconvnet(net), images, ["map", "dense"], batch_size)
        assert list(found) == ["map", "dense"]
        for values, wanted in zip(found.values(), expected, strict=True):
            np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-5)


def test_what_is_no_number_is_an_error():
    net = keras.Sequential([keras.Input((6, 8, 3)), layers.Conv2D(4, 3, bias_initializer=keras.initializers.Constant(np.nan), name="map")])
    with pytest.raises(ValueError, match="Layer 'map' has activations that are not finite numbers"):
        flat_features(Deconvnet(net), np.zeros((2, 6, 8, 3), np.float32), ["map"])


def test_an_operation_has_no_weights():
    inputs = keras.Input((9, 8, 3))
    net = keras.Model(inputs, keras.layers.Conv2D(2, 3, name="maps")(inputs / 127.5 - 1))
    check_finite_weights(Deconvnet(net, "gradient"), ["maps"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_layer_is_named_and_what_lies_above_does_not_matter(value):
    layers = [keras.layers.Conv2D(2, 3, activation="relu", name=name) for name in ("low", "middle", "high")]
    deconvnet = Deconvnet(keras.Sequential([keras.Input((9, 8, 3)), *layers]))
    check_finite_weights(deconvnet, ["low", "high"])
    layers[1].kernel.assign(layers[1].kernel * value)
    check_finite_weights(deconvnet, ["low"])
    with pytest.raises(ValueError, match="Layer 'middle' has weights that are not finite numbers"):
        check_finite_weights(deconvnet, ["low", "high"])


@pytest.fixture
def features():
    return np.maximum(np.random.default_rng(0).normal(size=(40, 300)), 0).astype(np.float32)


@pytest.mark.parametrize("columns", [7, 8192])
def test_keeps_every_inner_product_with_a_training_image(features, columns, monkeypatch):
    monkeypatch.setattr(module, "COLUMNS", columns)
    train, test = np.arange(30, 5, -1), np.array([0, 39, 3])
    known, new = feature_coordinates(features, train, test)
    assert known.shape[0] == 25
    assert known.shape[1] <= 25
    whole = features.astype(float) - features[train].astype(float).mean(axis=0)
    whole /= np.sqrt(np.square(whole[train]).sum(axis=1).mean())
    np.testing.assert_allclose(known @ known.T, whole[train] @ whole[train].T, atol=1e-10)
    np.testing.assert_allclose(new @ known.T, whole[test] @ whole[train].T, atol=1e-10)


@pytest.mark.parametrize("learner", [LogisticRegression(C=10, tol=1e-9, max_iter=9999), LinearSVC(C=10, dual=False, tol=1e-9)])
def test_a_linear_classifier_answers_as_on_the_whole_features(features, learner):
    train, test, labels = np.arange(24), np.arange(24, 40), np.arange(24) % 3
    whole = features.astype(float) - features[train].astype(float).mean(axis=0)
    whole /= np.sqrt(np.square(whole[train]).sum(axis=1).mean())
    expected = learner.fit(whole[train], labels).decision_function(whole[test])
    known, new = feature_coordinates(features, train, test)
    np.testing.assert_allclose(learner.fit(known, labels).decision_function(new), expected, atol=1e-4)


def test_few_features_are_kept_as_they_are(features):
    known, new = feature_coordinates(features[:, :4], np.arange(10), np.arange(10, 40))
    assert known.shape, new.shape == ((10, 4), (30, 4))
    assert np.square(known).sum(axis=1).mean() == pytest.approx(1)
    np.testing.assert_allclose(known.mean(axis=0), 0, atol=1e-12)


def test_a_dead_layer_gives_zeros():
    for width in (3, 50):
        known, new = feature_coordinates(np.zeros((12, width), np.float32), np.arange(8), np.arange(8, 12))
        assert not known.any()
        assert not new.any()
        assert known.shape[1] >= 1


def test_nan_is_an_error(features):
    features[2, 299] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        feature_coordinates(features, np.arange(4), np.arange(4, 8))


def test_of_zfnet_all_but_the_logits():
    graph = Deconvnet(build("zfnet-small", classes=4)).graph
    assert rectified_layers(graph) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
    assert rectified_output(graph, "conv1") == "conv1"


@pytest.fixture(scope="module")
def graph():
    """A net whose convolutions have their ReLU somewhere else, or none."""
    image = keras.Input((9, 11, 3))
    normal = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, padding="same", name="normal")(image))
    relu = layers.Activation("linear", name="same")(layers.ReLU(name="relu")(normal))
    pooled = layers.MaxPooling2D(1, name="pool")(layers.Conv2D(4, 3, padding="same", name="linear")(relu))
    left = layers.Conv2D(4, 1, name="left")(pooled)
    added = layers.Activation("relu", name="added")(layers.Add(name="add")([left, relu]))
    swish = layers.Conv2D(4, 1, activation="swish", name="swish")(added)
    twice = layers.Conv2D(4, 1, name="twice")(swish)
    both = layers.Concatenate(name="both")([layers.ReLU(name="up")(twice), twice])
    dense = layers.Dense(4, activation="relu", name="dense")(layers.Flatten(name="flat")(both))
    return Deconvnet(keras.Model(image, layers.Dense(2, activation="softmax", name="classes")(dense)), "gradient").graph


def test_each_relu_once(graph):
    assert rectified_layers(graph) == ["relu", "added", "up", "dense"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [("normal", "relu"), ("bn", "relu"), ("linear", None), ("left", None), ("swish", None), ("twice", None), ("dense", "dense")],
)
def test_where_the_relu_of_a_layer_is(graph, layer, expected):
    assert rectified_output(graph, layer) == expected


def test_no_such_layer(graph):
    with pytest.raises(ValueError, match="no layer 'conv1'"):
        rectified_output(graph, "conv1")
