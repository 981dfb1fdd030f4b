"""Layers on sequences and volumes inside of a model of images, and around another one: against autodiff and the same net of others."""

import keras
import numpy as np
import pytest
from keras import layers

from zfnet.model import Deconvnet, receptive_field

SIZE = (8, 6, 3)
IMAGES = np.random.default_rng(0).normal(size=(2, *SIZE)).astype("float32")
ON_SEQUENCES = {
    "convolution": layers.Conv1D(5, 3, 2, activation="relu"),
    "causal convolution": layers.Conv1D(5, 3, padding="causal", dilation_rate=2),
    "transposed convolution": layers.Conv1DTranspose(5, 3, 2),
    "depthwise convolution": layers.DepthwiseConv1D(3, padding="same", activation="relu"),
    "separable convolution": layers.SeparableConv1D(5, 3),
    "einsum": layers.EinsumDense("abc,cd->abd", (48, 5), bias_axes="d", activation="relu"),
    "average pool": layers.AveragePooling1D(3, 2),
    "adaptive average pool": layers.AdaptiveAveragePooling1D(5),
    "global average pool": layers.GlobalAveragePooling1D(),
    "cropping": layers.Cropping1D((1, 2)),
    "padding": layers.ZeroPadding1D((1, 2)),
    "upsampling": layers.UpSampling1D(2),
    "max pool": layers.MaxPooling1D(3, 2, "same"),
    "global max pool": layers.GlobalMaxPooling1D(),
}
ON_VOLUMES = {
    "convolution": layers.Conv3D(4, 2, activation="relu"),
    "transposed convolution": layers.Conv3DTranspose(4, 2, 2),
    "average pool": layers.AveragePooling3D(2),
    "adaptive average pool": layers.AdaptiveAveragePooling3D((3, 2, 2)),
    "global average pool": layers.GlobalAveragePooling3D(),
    "cropping": layers.Cropping3D(1),
    "padding": layers.ZeroPadding3D(1),
    "upsampling": layers.UpSampling3D(2),
    "max pool": layers.MaxPooling3D(2),
    "global max pool": layers.GlobalMaxPooling3D(),
}


def model_of(layer, shape):
    keras.utils.set_random_seed(3)
    image = keras.Input(SIZE)
    signal = type(layer).from_config(layer.get_config())(layers.Reshape(shape)(layers.Conv2D(4, 3, padding="same")(image)))
    model = keras.Model(image, layers.Dense(3, name="top")(layers.Flatten()(signal)))
    for weight in model.weights:
        weight.assign(np.random.default_rng(7).normal(size=weight.shape))
    return model


@pytest.mark.parametrize("kind", ON_SEQUENCES)
def test_on_sequences(kind, equals_autodiff, eagerly):
    equals_autodiff(model_of(ON_SEQUENCES[kind], (48, 4)), IMAGES, ["top"])


@pytest.mark.parametrize("kind", ON_VOLUMES)
def test_on_volumes(kind, equals_autodiff, eagerly):
    equals_autodiff(model_of(ON_VOLUMES[kind], (8, 6, 4, 1)), IMAGES, ["top"])


def same_net(one, other):
    """Projections of two nets whose weights are the same but for their shapes: equal, and not zero."""
    for target, source in zip(one.weights, other.weights, strict=True):
        target.assign(keras.ops.reshape(source, target.shape))
    found = [Deconvnet(model).project(IMAGES, "top", [1, 2]) for model in (one, other)]
    np.testing.assert_allclose(*found, atol=1e-5 * np.abs(found[1]).max())
    assert np.abs(found[1]).max() > 0


@pytest.mark.parametrize(
    ("step", "whole"),
    [
        (layers.Conv1D(4, 3, activation="relu"), layers.Conv2D(4, (1, 3), activation="relu")),
        (layers.Dense(4, activation="leaky_relu"), layers.Conv2D(4, 1, activation="leaky_relu")),
        (layers.AveragePooling1D(2), layers.AveragePooling2D((1, 2))),
        (layers.ReLU(), layers.ReLU()),
    ],
    ids=["convolution", "dense", "average pool", "relu"],
)
def test_a_layer_at_every_row_is_one_of_flat_windows(step, whole, eagerly):
    def net(middle):
        keras.utils.set_random_seed(3)
        layer = type(middle).from_config(middle.get_config())
        layer = layers.TimeDistributed(layer) if middle is step else layer
        return keras.Sequential([keras.Input(SIZE), layers.Conv2D(5, 3), layer, layers.Conv2D(3, (3, 1), activation="relu", name="top")])

    same_net(net(step), net(whole))


def test_max_pooling_of_each_image_of_a_sequence_has_switches(eagerly):
    def net(each):
        keras.utils.set_random_seed(3)
        halves = layers.Reshape((2, 4, 6, 3))(image := keras.Input(SIZE))
        if each:
            pooled = layers.TimeDistributed(layers.MaxPooling2D(2))(layers.TimeDistributed(layers.Conv2D(5, 3, padding="same"))(halves))
            return keras.Model(image, layers.Dense(3, name="top")(layers.Flatten()(pooled)))
        convolve, pool = layers.Conv2D(5, 3, padding="same"), layers.MaxPooling2D(2)
        pooled = [layers.Flatten()(pool(convolve(layers.Cropping2D(rows)(image)))) for rows in (((0, 4), (0, 0)), ((4, 0), (0, 0)))]
        return keras.Model(image, layers.Dense(3, name="top")(layers.Concatenate()(pooled)))

    same_net(net(True), net(False))


def test_a_softmax_at_every_step_stands_for_its_logits(eagerly):
    def net(activation):
        keras.utils.set_random_seed(3)
        image = keras.Input(SIZE)
        return keras.Model(image, layers.TimeDistributed(layers.Dense(3, activation=activation), name="top")(image))

    same_net(net("softmax"), net("linear"))


def test_a_layer_skipped_at_every_step_keeps_its_window():
    keras.utils.set_random_seed(3)
    step = layers.TimeDistributed(layers.LayerNormalization(axis=[1, 2]))
    model = keras.Sequential([keras.Input(SIZE), layers.Conv2D(4, 1), step, layers.Conv2D(3, 1, name="top")])
    with pytest.raises(ValueError, match="no single receptive field"):
        receptive_field(Deconvnet(model, rules={layers.LayerNormalization: "skip"}), "top")
    point = Deconvnet(keras.Sequential([keras.Input(SIZE), layers.TimeDistributed(layers.Dense(4, "relu", name="top"), name="top")]))
    assert receptive_field(point, "top").size == (1, 1)


def test_a_hidden_softmax_at_every_step_may_have_another_rule(eagerly):
    keras.utils.set_random_seed(3)
    step = layers.TimeDistributed(layers.Dense(4, "softmax"))
    model = keras.Sequential([keras.Input(SIZE), step, layers.Conv2D(3, 3, name="top")])
    found = Deconvnet(model, rules={keras.activations.softmax: "gradient"}).project(IMAGES, "top", 1)
    np.testing.assert_array_equal(found, Deconvnet(model, unsupported="gradient").project(IMAGES, "top", 1))


def test_what_has_no_rule_has_none_at_every_step():
    image = keras.Input(SIZE)
    with pytest.raises(ValueError, match=r"'odd' is of type ELU, for which no deconvnet is defined"):
        Deconvnet(keras.Model(image, layers.TimeDistributed(layers.ELU(name="odd"))(image)))


def test_or_its_plain_gradient(eagerly, by_autodiff):
    image = keras.Input(SIZE)
    model = keras.Model(image, layers.Conv2D(3, 3, name="top")(layers.TimeDistributed(layers.ELU())(image)))
    autodiff = by_autodiff(model, IMAGES)
    expected = autodiff.project(autodiff.value("top"), 1)
    found = Deconvnet(model, unsupported="gradient").project(IMAGES, "top", 1)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
