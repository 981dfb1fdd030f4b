"""Models of layers and operations drawn at random: as the model computes, as autodiff projects, and seen where pixels have influence."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.receptive_field import cut_window
from zfnet.model.net.layers import ContrastNormalization

SIZE = (18, 15, 3)
# By the number of spatial axes: signals, images, volumes.
SIZES = {1: (50, 3), 2: SIZE, 3: (9, 8, 10, 2)}
IMAGES = {dims: np.random.default_rng(0).normal(size=(2, *size)).astype("float32") for dims, size in SIZES.items()}
CONVOLUTIONS = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}
PAD = [[0, 0], [1, 0], [0, 2], [0, 0]]


def pick(random, *values):
    return values[random.integers(len(values))]


def padding(random):
    return pick(random, "same", "valid")


def conv(random, x, **arguments):
    return layers.Conv2D(int(random.integers(3, 7)), 3, padding="same", **arguments)(x)


def matrix(random, x, count=4):
    return random.normal(size=(x.shape[-1], count)).astype("float32")


# Each takes a random generator and maps, and returns maps.
SUPPORTED = {
    "Conv2D": lambda random, x: conv(random, x, activation=pick(random, "relu", "leaky_relu", "linear")),
    "Conv2D with strides": lambda random, x: layers.Conv2D(4, 3, 2, padding=padding(random), activation="relu")(x),
    "Conv2D with dilation": lambda random, x: layers.Conv2D(4, 2, dilation_rate=2, activation="relu")(x),
    "DepthwiseConv2D": lambda random, x: layers.DepthwiseConv2D(2, padding=padding(random))(x),
    "SeparableConv2D": lambda random, x: layers.SeparableConv2D(4, 3, padding=padding(random), activation="relu")(x),
    "Conv2DTranspose": lambda random, x: layers.Conv2DTranspose(4, 2, padding=padding(random))(x),
    "Dense": lambda random, x: layers.Dense(5, activation="relu")(x),
    "EinsumDense": lambda random, x: layers.EinsumDense("abcd,de->abce", (*x.shape[1:3], 4), activation="relu")(x),
    "TimeDistributed": lambda random, x: layers.TimeDistributed(pick(random, layers.Dense(4), layers.Conv1D(4, 2)))(x),
    "SpectralNormalization": lambda random, x: layers.SpectralNormalization(layers.Conv2D(4, 2))(x),
    "MaxPooling2D": lambda random, x: layers.MaxPooling2D(pick(random, 2, 3), pick(random, 1, 2), padding(random))(x),
    "AveragePooling2D": lambda random, x: layers.AveragePooling2D(pick(random, 2, (1, 3)), pick(random, 1, 2), padding(random))(x),
    "AdaptiveAveragePooling2D": lambda random, x: layers.AdaptiveAveragePooling2D(4)(x),
    "GlobalAveragePooling2D": lambda random, x: x + layers.GlobalAveragePooling2D(keepdims=True)(x),
    "BatchNormalization": lambda random, x: layers.BatchNormalization(gamma_initializer="glorot_normal")(conv(random, x)),
    "Rescaling": lambda random, x: layers.Rescaling(-0.5, 0.1)(x),
    "ReLU": lambda random, x: pick(random, layers.ReLU(), layers.LeakyReLU(), layers.PReLU("ones"))(x),
    "ContrastNormalization": lambda random, x: ContrastNormalization()(x),
    "Dropout": lambda random, x: pick(random, layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.RandomFlip())(x),
    "ZeroPadding2D": lambda random, x: layers.ZeroPadding2D(((1, 0), (0, 2)))(x),
    "Cropping2D": lambda random, x: layers.Cropping2D(((1, 0), (0, 1)))(x),
    "CenterCrop": lambda random, x: layers.CenterCrop(x.shape[1] - 1, x.shape[2] - 1)(x),
    "UpSampling2D": lambda random, x: layers.UpSampling2D((1, 2), interpolation=pick(random, "nearest", "bilinear"))(x),
    "Resizing": lambda random, x: layers.Resizing(9, 7, pick(random, "bilinear", "nearest", "bicubic"))(x),
    "Permute": lambda random, x: layers.Permute(pick(random, (2, 1, 3), (1, 2, 3)))(x),
    "Reshape": lambda random, x: layers.Reshape((*x.shape[2:0:-1], x.shape[3]))(x),
    "Add": lambda random, x: layers.Add()([x, layers.Conv2D(x.shape[-1], pick(random, 1, 3), padding="same")(x)]),
    "Subtract": lambda random, x: layers.Subtract()([x, layers.AveragePooling2D(3, 1, "same")(x)]),
    "Average": lambda random, x: layers.Average()([x, layers.ReLU()(x)]),
    "Concatenate": lambda random, x: layers.Concatenate(pick(random, -1, 1))([x, layers.ReLU()(x)]),
    "add": lambda random, x: x + pick(random, 1.0, x[:, :1], ops.mean(x, axis=(1, 2), keepdims=True)),
    "multiply": lambda random, x: 2 * x / np.arange(1, x.shape[-1] + 1, dtype="float32"),
    "negative": lambda random, x: 1 - (-x),
    "relu": lambda random, x: pick(random, ops.relu, ops.leaky_relu, keras.activations.relu)(x),
    "get_item": lambda random, x: x[(slice(None), *pick(random, (slice(1, None), slice(None, -1)), (Ellipsis, slice(None, None, -1))))],
    "get_item with steps": lambda random, x: x[:, :: pick(random, 1, 2), 1::2],
    "stack": lambda random, x: ops.stack([x[..., 1], ops.sum(x, axis=-1), x[..., 0]], axis=-1),
    "split": lambda random, x: ops.subtract(*ops.split(layers.Conv2D(4, 3, padding="same")(x), 2, axis=-1)),
    "pad": lambda random, x: ops.pad(x, PAD, mode=pick(random, "constant", "reflect")),
    "flip": lambda random, x: ops.flip(x, pick(random, 1, 2, 3)),
    "roll": lambda random, x: ops.roll(x, 1, pick(random, 1, 2, 3)),
    "transpose": lambda random, x: ops.transpose(x, pick(random, (0, 2, 1, 3), (0, 1, 2, 3))),
    "expand_dims": lambda random, x: ops.squeeze(ops.expand_dims(x, axis := pick(random, 1, 3, 4)), axis),
    "shuffle": lambda random, x: ops.reshape(
        ops.swapaxes(ops.reshape(ops.tile(x, (1, 1, 1, 2)), (-1, *x.shape[1:], 2)), 3, 4), (-1, *x.shape[1:3], 2 * x.shape[3])
    ),
    "take": lambda random, x: ops.take(x, [1, 0, 1], axis=-1),
    "repeat": lambda random, x: ops.repeat(x, 2, axis=pick(random, 2, 3)),
    "space_to_depth": lambda random, x: ops.space_to_depth(x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2], 2),
    "sum": lambda random, x: x + ops.sum(x, pick(random, 1, 2, 3), keepdims=True),
    "mean": lambda random, x: x - ops.mean(x, pick(random, (1, 2), -1), keepdims=True),
    "max": lambda random, x: x + ops.max(layers.Conv2D(x.shape[-1], 3, padding="same")(x), pick(random, (1, 2), -1), keepdims=True),
    "cumsum": lambda random, x: ops.cumsum(x, pick(random, 1, 3)),
    "diff": lambda random, x: ops.diff(x, axis=pick(random, 1, 3)) if x.shape[3] > 3 else ops.diff(x, axis=2),
    "matmul": lambda random, x: ops.matmul(x, matrix(random, x)),
    "einsum": lambda random, x: ops.einsum("nhwc,cd->nhwd", x, matrix(random, x)),
    "tensordot": lambda random, x: ops.tensordot(x, matrix(random, x), 1),
    "where": lambda random, x: ops.where(np.arange(x.shape[-1]) % 2 == 0, x, 0.5),
    "cast": lambda random, x: ops.cast(ops.cast(x, "float64"), "float32"),
    "conv": lambda random, x: ops.conv(x, random.normal(size=(2, 3, x.shape[-1], 4)).astype("float32"), padding=padding(random)),
    "depthwise_conv": lambda random, x: ops.depthwise_conv(x, random.normal(size=(2, 2, x.shape[-1], 1)).astype("float32")),
    "average_pool": lambda random, x: ops.average_pool(x, 2, 1, padding(random)),
    "max_pool": lambda random, x: ops.max_pool(x, pick(random, 2, 3), pick(random, 1, 2), padding(random)),
    "resize": lambda random, x: ops.image.resize(x, (8, 8), pick(random, "bilinear", "nearest")),
    "gaussian_blur": lambda random, x: ops.image.gaussian_blur(x),
}
SIGNALS = {
    "Conv1D": lambda random, x: layers.Conv1D(4, 3, pick(random, 1, 2), pick(random, "same", "valid", "causal"), activation="relu")(x),
    "Conv1D with dilation": lambda random, x: layers.Conv1D(4, 3, dilation_rate=pick(random, 2, 3), padding="causal", activation="relu")(x),
    "DepthwiseConv1D": lambda random, x: layers.DepthwiseConv1D(3, pick(random, 1, 2), padding(random))(x),
    "SeparableConv1D": lambda random, x: layers.SeparableConv1D(4, 3, padding=padding(random), activation="relu")(x),
    "Conv1DTranspose": lambda random, x: layers.Conv1DTranspose(4, 2, padding=padding(random))(x),
    "MaxPooling1D": lambda random, x: layers.MaxPooling1D(pick(random, 2, 3), pick(random, 1, 2), padding(random))(x),
    "AveragePooling1D": lambda random, x: layers.AveragePooling1D(pick(random, 2, 3), pick(random, 1, 2), padding(random))(x),
    "GlobalMaxPooling1D": lambda random, x: x + layers.GlobalMaxPooling1D(keepdims=True)(x),
    "ZeroPadding1D": lambda random, x: layers.ZeroPadding1D((1, 2))(x),
    "Cropping1D": lambda random, x: layers.Cropping1D((2, 1))(x),
    "UpSampling1D": lambda random, x: layers.UpSampling1D(2)(x),
    "Add": lambda random, x: layers.Add()([x, layers.Conv1D(x.shape[-1], pick(random, 1, 5), padding="causal")(x)]),
    **{
        kind: SUPPORTED[kind]
        for kind in ("Dense", "ReLU", "Rescaling", "Concatenate", "negative", "relu", "multiply", "matmul", "where", "take")
    },
    "get_item": lambda random, x: x[:, pick(random, slice(1, None), slice(None, -1), slice(None, None, 2))],
    "pad": lambda random, x: ops.pad(x, PAD[:2] + PAD[3:], mode=pick(random, "constant", "reflect")),
    "sum": lambda random, x: x + ops.sum(x, pick(random, 1, 2), keepdims=True),
    "flip": lambda random, x: ops.flip(x, pick(random, 1, 2)),
}
VOLUMES = {
    "Conv3D": lambda random, x: layers.Conv3D(3, pick(random, 2, (1, 3, 2)), padding="same", activation="relu")(x),
    "Conv3D with strides": lambda random, x: layers.Conv3D(3, 2, (1, 1, 2), padding=padding(random), activation="relu")(x),
    "MaxPooling3D": lambda random, x: layers.MaxPooling3D(2, pick(random, 1, (1, 2, 1)), padding(random))(x),
    "AveragePooling3D": lambda random, x: layers.AveragePooling3D(2, 1, padding(random))(x),
    "GlobalAveragePooling3D": lambda random, x: x + layers.GlobalAveragePooling3D(keepdims=True)(x),
    "ZeroPadding3D": lambda random, x: layers.ZeroPadding3D(((1, 0), (0, 1), (0, 0)))(x),
    "Cropping3D": lambda random, x: layers.Cropping3D(((0, 0), (1, 0), (0, 1)))(x),
    "TimeDistributed": lambda random, x: layers.TimeDistributed(layers.Conv2D(3, 3, padding="same"))(x),
    "Add": lambda random, x: layers.Add()([x, layers.Conv3D(x.shape[-1], 3, padding="same")(x)]),
    **{kind: SUPPORTED[kind] for kind in ("Dense", "ReLU", "Rescaling", "negative", "multiply")},
}
REFUSED = {
    "swish": lambda random, x: layers.Activation("swish")(x),
    "elu as argument": lambda random, x: conv(random, x, activation="elu"),
    "LayerNormalization": lambda random, x: layers.LayerNormalization()(x),
    "tanh": lambda random, x: ops.tanh(x),
    "absolute": lambda random, x: ops.abs(x),
    "product": lambda random, x: x * ops.sigmoid(ops.mean(x, axis=-1, keepdims=True)),
    "sort": lambda random, x: ops.sort(x, axis=-1),
    "clip": lambda random, x: ops.clip(x, -1, 1),
    "unit norm": lambda random, x: layers.UnitNormalization()(x),
}


def draw(seed, dims):
    """A model of signals, images or volumes, and the names of what it was made of."""
    random = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    image = keras.Input(SIZES[dims])
    maps, drawn = image, []
    for _ in range(random.integers(3, 7)):
        kinds = REFUSED if random.random() < 0.05 and dims == 2 else {1: SIGNALS, 2: SUPPORTED, 3: VOLUMES}[dims]
        # Small maps would be used up.
        if min(maps.shape[1:-1]) < 6:
            break
        drawn.append(pick(random, *kinds))
        maps = kinds[drawn[-1]](random, maps)
    maps = CONVOLUTIONS[dims](4, 3, name="last")(maps)
    model = keras.Model(image, layers.Dense(3, name="top")(layers.Flatten()(maps)))
    for weight in model.weights:
        if weight.ndim == 1 and "seed" not in weight.name:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    return model, drawn


def check(seed, by_autodiff, dims=2):
    """Compares a model's deconvnet with the model, with autodiff, and with where pixels have influence; returns what was refused."""
    model, drawn = draw(seed, dims)
    images = IMAGES[dims]
    refused = sorted(set(drawn) & set(REFUSED))
    if refused:
        with pytest.raises(ValueError, match=r"for which no deconvnet is defined|below other layers"):
            Deconvnet(model)
    deconvnet = Deconvnet(model, unsupported="gradient" if refused else "error")
    recording, autodiff = deconvnet.record(images), by_autodiff(model, images)
    features = keras.Model(model.input, model.get_layer("last").output)
    for name, expected in (("last", features(images, training=False).numpy()), ("top", model(images, training=False).numpy())):
        found = recording.activations(name).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max(), err_msg=f"{drawn}")
        for unit in range(3):
            expected = autodiff.project(autodiff.value(name), unit)
            np.testing.assert_allclose(
                recording.project(name, unit), expected, atol=2e-4 * np.abs(expected).max() + 1e-12, err_msg=f"{drawn}"
            )
    try:
        field = receptive_field(deconvnet, "last")
    except ValueError:  # Many have no single one.
        return refused
    check_field(features, field, recording, images, drawn)
    return refused


def check_field(features, field, recording, images, drawn):
    sizes = features.output.shape[1:-1]
    for place in {tuple(0 for _ in sizes), tuple(size // 2 for size in sizes), tuple(size - 1 for size in sizes)}:
        with tf.GradientTape() as tape:
            tape.watch(inputs := tf.constant(images))
            units = tf.reduce_sum(features(inputs, training=False)[:, *place] * [1, 2, 3, 5])
        start = np.multiply(place, field.stride) + field.offset
        influence = tape.gradient(units, inputs).numpy()
        outside = influence.copy()
        window = tuple(slice(max(first, 0), max(first + length, 0)) for first, length in zip(start, field.size, strict=True))
        outside[:, *window] = 0
        assert not outside.any(), (drawn, field, place)
        patches, corners = recording.project_patches("last", 1, place)
        for patch, corner, projection in zip(patches, corners, recording.project("last", 1, place), strict=True):
            np.testing.assert_allclose(
                patch, cut_window(projection, corner, field.size), atol=1e-4 * np.abs(projection).max(), err_msg=f"{drawn}"
            )


@pytest.mark.parametrize("seed", range(20))
def test_a_random_model(seed, by_autodiff, eagerly):
    check(seed, by_autodiff)


@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_a_random_model_of_signals_or_volumes(seed, dims, by_autodiff, eagerly):
    check(seed, by_autodiff, dims)


@pytest.mark.slow
@pytest.mark.parametrize("dims", [1, 3])
def test_many_random_models_of_signals_and_volumes(dims, by_autodiff, eagerly):
    for seed in range(100, 160):
        check(seed, by_autodiff, dims)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 300, 20))
def test_many_random_models(first, by_autodiff, eagerly, capsys):
    refused = [kind for seed in range(first, first + 20) for kind in check(seed, by_autodiff)]
    with capsys.disabled():
        print(f"\nModels {first} to {first + 19}, refused: {dict(collections.Counter(refused))}")
    # Most are not.
    assert len(refused) < 10


@pytest.mark.parametrize("kind", SUPPORTED | REFUSED)
def test_every_kind_by_itself_is_taken_or_refused(kind):
    random = np.random.default_rng(0)
    image = keras.Input(SIZE)
    model = keras.Model(image, (SUPPORTED | REFUSED)[kind](random, image))
    if kind in SUPPORTED:
        assert Deconvnet(model).layers
    else:
        with pytest.raises(ValueError, match="for which no deconvnet is defined"):
            Deconvnet(model)
