"""The deviation of a normalisation as a constant: transposed by hand in numpy, and the same forward pass as Keras has."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.rules.rule import Frozen

SHAPE = (5, 4, 6)
RANDOM = np.random.default_rng(0)
IMAGES, SIGNAL = (RANDOM.normal(1, 2, (2, *SHAPE)).astype("float32") for _ in range(2))
ROWS, COLUMNS, MAPS = np.indices(SHAPE)
PLACES = ROWS * 4 + COLUMNS


def without_centring():
    layer = layers.LayerNormalization(center=False)
    # Keras warns of this old option when it is an argument.
    layer.rms_scaling = True
    return layer


# The layer; the group of each value of an image, over which its statistics are; whether it is centred; and what else divides.
KINDS = {
    "layer": (layers.LayerNormalization(epsilon=0.02), PLACES, True, np.var, 0.02),
    "layer over whole maps": (layers.LayerNormalization(axis=(1, 2, 3)), 0 * ROWS, True, np.var, 1e-3),
    "layer over rows": (layers.LayerNormalization(axis=1), COLUMNS * 6 + MAPS, True, np.var, 1e-3),
    "layer without scale": (layers.LayerNormalization(scale=False, center=False), PLACES, True, np.var, 1e-3),
    "layer by deviation alone": (without_centring(), PLACES, False, np.var, 1e-3),
    "groups": (layers.GroupNormalization(3), MAPS // 2, True, np.var, 1e-3),
    "groups of one map": (layers.GroupNormalization(-1), MAPS, True, np.var, 1e-3),
    "one group": (layers.GroupNormalization(1, scale=False), 0 * ROWS, True, np.var, 1e-3),
    "groups of rows": (layers.GroupNormalization(5, axis=1), ROWS, True, np.var, 1e-3),
    "root mean square": (layers.RMSNormalization(epsilon=1e-3), PLACES, False, lambda values: np.mean(values**2), 1e-3),
    "unit": (layers.UnitNormalization(), PLACES, False, lambda values: np.sum(values**2), 1e-12),
    "unit over rows and columns": (layers.UnitNormalization(axis=(1, 2)), MAPS, False, lambda values: np.sum(values**2), 1e-12),
}


def model_of(layer):
    image = keras.Input(SHAPE)
    model = keras.Model(image, layer(image))
    for weight in model.weights:
        weight.assign(RANDOM.normal(size=weight.shape))
    return model


def scale_of(layer):
    scale = getattr(layer, "scale", None) if isinstance(layer, layers.RMSNormalization) else getattr(layer, "gamma", None)
    if scale is None:
        return np.ones(SHAPE)
    axes = [axis % 4 - 1 for axis in np.atleast_1d(layer.axis)]
    return np.broadcast_to(np.reshape(scale, [length if axis in axes else 1 for axis, length in enumerate(SHAPE)]), SHAPE)


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_transpose_by_hand(kind):
    layer, groups, centred, statistic, epsilon = KINDS[kind]
    model = model_of(layer)
    (operation,) = Deconvnet(model, unsupported="literature").graph.operations
    assert type(operation.rule) is Frozen
    (found,) = tf.function(lambda signal, inputs: operation.rule.backward(signal, [SHAPE], [inputs]))(SIGNAL, IMAGES)
    expected = np.zeros_like(SIGNAL)
    for image, signal, below in zip(IMAGES, SIGNAL * scale_of(layer), expected, strict=True):
        for group in np.unique(groups):
            own = groups == group
            divided = signal[own] / np.sqrt(statistic(image[own].astype("float64")) + epsilon)
            below[own] = divided - divided.mean() if centred else divided
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.filterwarnings("ignore:.*rms_scaling")
@pytest.mark.parametrize("kind", KINDS)
def test_frozen_function_is_that_of_the_layer_without_bias(kind):
    layer = KINDS[kind][0]
    model = model_of(layer)
    (operation,) = Deconvnet(model, unsupported="literature").graph.operations
    for weight in model.weights:
        if weight.name == "beta":
            weight.assign(0 * weight)
    np.testing.assert_allclose(operation.rule.frozen(tf.constant(IMAGES)), model(IMAGES), atol=1e-5)


@pytest.mark.parametrize(("layer", "size"), [(layers.LayerNormalization(), (5, 5)), (layers.GroupNormalization(3), (9, 12))])
def test_receptive_field_is_what_the_statistics_are_over(layer, size):
    model = keras.Sequential([keras.Input((9, 12, 3)), layers.Conv2D(6, 3), layer, layers.Conv2D(2, 3, name="top")])
    assert receptive_field(Deconvnet(model, unsupported="literature"), "top").size == size


@pytest.mark.parametrize("kind", [layers.LayerNormalization, lambda axis: layers.GroupNormalization(3, axis=axis)])
def test_channels_first_is_the_same(kind):
    def net(first):
        conv = [layers.Conv2D(6, 3, data_format="channels_first" if first else None) for _ in range(2)]
        shape = (3, 9, 12) if first else (9, 12, 3)
        return keras.Sequential([keras.Input(shape), conv[0], kind(axis=1 if first else -1), conv[1]])

    keras.utils.set_random_seed(1)
    first, last = net(True), net(False)
    first.set_weights(last.get_weights())
    images = RANDOM.normal(size=(2, 9, 12, 3)).astype("float32")
    expected = Deconvnet(last, "literature").project(images, last.layers[-1].name, 2)
    found = Deconvnet(first, "literature").project(images.transpose(0, 3, 1, 2), first.layers[-1].name, 2)
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, atol=1e-5)


def test_other_layers_are_refused():
    model = model_of(layers.BatchNormalization(name="norm"))
    message = "'norm' is of type BatchNormalization; the rule 'fixed-deviation' is for GroupNormalization, LayerNormalization, RMS"
    with pytest.raises(ValueError, match=message):
        Deconvnet(model, rules={"norm": "fixed-deviation"})
