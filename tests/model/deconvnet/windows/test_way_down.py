"""Windows through every kind of branch, at every corner and edge, against whole maps and against autodiff of the model."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.receptive_field import cut_window
from zfnet.model.deconvnet.windows.plan import Windows

SIZES = {1: (43, 3), 2: (27, 24, 3), 3: (11, 9, 10, 2)}


def conv(maps=5, size=3, **named):
    bias = keras.initializers.RandomNormal(0, 0.3)
    return layers.Conv2D(maps, size, **{"padding": "same", "bias_initializer": bias, **named})


def relu(x):
    return layers.ReLU()(x)


def gate(x):
    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(x)
    return layers.Multiply()([x, conv(x.shape[-1], 1, activation="sigmoid")(squeezed)])


def strided(size, other, **named):
    return lambda x: layers.Add()([conv(5, size, strides=2, **named)(x), conv(5, other, strides=2, **named)(x)])


def shared(x):
    layer = conv(x.shape[-1], 3, activation="relu")
    return layers.Add()([layer(layer(x)), x])


def nested(x):
    image = keras.Input(x.shape[1:])
    inner = keras.Model(image, layers.Concatenate()([conv(2, 5, activation="relu")(image), layers.MaxPooling2D(3, 1, "same")(image)]))
    return layers.Concatenate()([inner(x), inner(layers.AveragePooling2D(3, 1, "same")(x))])


def shuffle(x):
    return ops.reshape(ops.swapaxes(ops.reshape(x, (-1, *x.shape[1:3], 2, x.shape[3] // 2)), 3, 4), (-1, *x.shape[1:]))


def by_numbers(shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype("float32")


# Each takes maps and returns maps.
ON_IMAGES = {
    "add": lambda x: relu(layers.Add()([x, conv(x.shape[-1])(x)])),
    "add of three": lambda x: layers.Add()([x, conv(x.shape[-1])(x), conv(x.shape[-1], (1, 5), activation="relu")(x)]),
    "sum of operators": lambda x: x + 2 * conv(x.shape[-1])(x),
    "average and subtract": lambda x: layers.Subtract()([layers.Average()([x, conv(x.shape[-1])(x)]), conv(x.shape[-1], 5)(x)]),
    "concatenate": lambda x: layers.Concatenate()([x, conv(4, 5, activation="relu")(x), conv(3, 1)(x)]),
    "concatenate of one twice": lambda x: layers.Concatenate()([x, x]),
    "dense block": lambda x: layers.Concatenate()([y := layers.Concatenate()([x, relu(conv(3)(x))]), conv(3)(y)]),
    "strides, odd and even kernels": strided(3, 1),
    "strides, kernels of even sizes": strided(4, 2),
    "strides, valid": lambda x: layers.Add()([conv(5, 3, strides=2, padding="valid")(x), layers.Conv2D(5, 1, 2)(x[:, :-2, 1:-1])]),
    "pool beside a convolution": lambda x: layers.Concatenate()([layers.MaxPooling2D(3, 2, "same")(x), conv(4, 3, strides=2)(x)]),
    "unpadded pool beside": lambda x: layers.Concatenate()([layers.MaxPooling2D(3, 2)(x), conv(4, strides=2, padding="valid")(x)]),
    "average pool, same": lambda x: layers.AveragePooling2D(3, 2, "same")(x),
    "average pool, same, in a branch": lambda x: layers.Concatenate()([layers.AveragePooling2D(3, 1, "same")(x), conv(3, 5)(x)]),
    "large average pool, same": lambda x: layers.AveragePooling2D((9, 2), (2, 1), "same")(x),
    "depthwise": lambda x: layers.Add()([x, layers.DepthwiseConv2D(5, padding="same")(x)]),
    "depthwise, strides and a multiplier": lambda x: layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2)(x),
    "separable": lambda x: layers.Add()([conv(6, 1)(x), layers.SeparableConv2D(6, 3, padding="same", activation="relu")(x)]),
    "dilated": lambda x: layers.Add()([conv(6, 3, dilation_rate=3)(x), conv(6, 3, dilation_rate=(1, 2))(x)]),
    "groups": lambda x: layers.Add()([x, conv(x.shape[-1], 3, groups=2)(x)]),
    "squeeze and excite": gate,
    "gate of full maps": lambda x: layers.Multiply()([conv(6)(x), conv(6, 1, activation="sigmoid")(x)]),
    "gated branch": lambda x: layers.Add()([x, gate(conv(x.shape[-1], 5, activation="relu")(x))]),
    "shared layer": shared,
    "nested model, called twice": nested,
    "batch normalization": lambda x: relu(layers.BatchNormalization(gamma_initializer="glorot_normal")(x)) + x,
    "scale by place": lambda x: layers.Add()([x, ops.multiply(x, by_numbers(x.shape[1:]))]),
    "mask by place": lambda x: conv(5)(ops.where(by_numbers((*x.shape[1:3], 1)) > 0.9, x, 0.5)) + conv(5)(x),
    "choice of two by place": lambda x: ops.where(by_numbers((*x.shape[1:3], 1)) > 1, x, conv(x.shape[-1])(x)),
    "normalization by row": lambda x: layers.BatchNormalization(axis=1, gamma_initializer="random_uniform")(x) - x,
    "layer normalization": lambda x: layers.Add()([x, layers.LayerNormalization()(conv(x.shape[-1])(x))]),
    "smooth activation": lambda x: layers.Add()([x, conv(x.shape[-1], activation="silu")(x)]),
    "padding and cropping": lambda x: layers.Add()([x, layers.Cropping2D(((2, 0), (0, 3)))(layers.ZeroPadding2D(((0, 2), (3, 0)))(x))]),
    "center crop": lambda x: conv(4)(layers.CenterCrop(19, 15)(x)),
    "shifted slices": lambda x: x[:, 1:, :-2] + conv(x.shape[-1], 3)(x)[:, :-1, 2:],
    "channels split and joined": lambda x: layers.Concatenate()(
        [y := ops.split(x, 2, axis=-1)[0], conv(3)(y), ops.split(x, 2, axis=-1)[1]]
    ),
    "channel shuffle of branches": lambda x: shuffle(layers.Concatenate()([x, conv(x.shape[-1])(x)])),
    "branches appended": lambda x: ops.append(x, conv(4)(x), axis=-1),
}
ON_SIGNALS = {
    "add, causal": lambda x: layers.Add()([x, layers.Conv1D(x.shape[-1], 4, padding="causal", dilation_rate=2)(x)]),
    "concatenate": lambda x: layers.Concatenate()([layers.Conv1D(3, 5, padding="same", activation="relu")(x), x]),
    "pools": lambda x: layers.Concatenate()([layers.MaxPooling1D(3, 2, "same")(x), layers.AveragePooling1D(3, 2, "same")(x)]),
    "depthwise": lambda x: layers.Add()([x, layers.DepthwiseConv1D(3, padding="same")(x)]),
}
ON_VOLUMES = {
    "add": lambda x: layers.Add()([x, layers.Conv3D(x.shape[-1], (1, 3, 2), padding="same", activation="relu")(x)]),
    "concatenate": lambda x: layers.Concatenate()([layers.MaxPooling3D(2, 1, "same")(x), layers.AveragePooling3D((3, 2, 1), 1, "same")(x)]),
}
KINDS = [(dims, kind) for dims, kinds in ((1, ON_SIGNALS), (2, ON_IMAGES), (3, ON_VOLUMES)) for kind in kinds]
CONVOLUTIONS = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}
# In these, whether all values have windows is not asked: gates see the whole image.
GATED = ("squeeze and excite", "gated branch")


def between(dims, middle):
    keras.utils.set_random_seed(3)
    image = keras.Input(SIZES[dims])
    convolution = CONVOLUTIONS[dims]
    maps = middle(convolution(6, 3, padding="same", activation="relu", name="low")(image))
    model = keras.Model(image, convolution(4, 2, activation="relu", name="top")(maps))
    random = np.random.default_rng(4)
    for weight in model.weights:
        # Biases high enough that few units are dead, and norms of any kind.
        if weight.ndim == 1 and "seed" not in weight.name:
            weight.assign(random.uniform(0.3, 1.5, weight.shape))
    return model


def examples(dims):
    return np.random.default_rng(0).normal(size=(2, *SIZES[dims])).astype("float32")


def places_of(maps):
    """All corners, the middles of two edges, and the middle."""
    ends = [(0, length // 2, length - 1) for length in maps.shape[1:-1]]
    corners = itertools.product(*(each[::2] for each in ends))
    return sorted(
        {*corners, *zip(*ends, strict=True), (0, *(each[1] for each in ends[1:])), (*(each[1] for each in ends[:-1]), ends[-1][2])}
    )


def close(found, expected, tolerance=1e-5):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def all_windows(self, found):
    return found


@pytest.mark.parametrize(("dims", "kind"), KINDS)
def test_equals_whole_maps_and_autodiff(dims, kind, by_papers, eagerly, monkeypatch):
    model, images = between(dims, {1: ON_SIGNALS, 2: ON_IMAGES, 3: ON_VOLUMES}[dims][kind]), examples(dims)
    deconvnet, autodiff = Deconvnet(model, unsupported="literature"), by_papers(model, images)
    recording = deconvnet.record(images)
    monkeypatch.setattr(Windows, "_choose", all_windows)
    assert Windows(deconvnet.graph, deconvnet.graph.value_of("top"), recording.shapes).possible
    activations = recording.activations("top").numpy()
    close(activations, autodiff.value("top").numpy())
    for place in places_of(activations):
        # The unit that answers most there, so that nothing is compared with 0.
        unit = int(activations[(slice(None), *place)].max(axis=0).argmax())
        windows = recording.project("top", unit, place)
        monkeypatch.setattr(Windows, "_choose", lambda self, found: {})
        whole = recording.project("top", unit, place)
        monkeypatch.setattr(Windows, "_choose", all_windows)
        assert np.abs(whole).max() > 0
        close(windows, whole)
        close(windows, autodiff.project(autodiff.value("top"), unit, place))
        patches, corners = recording.project_patches("top", unit, place)
        if kind in GATED:
            continue
        field = receptive_field(deconvnet, "top")
        assert patches.shape[1:-1] == field.size
        np.testing.assert_array_equal(corners, [np.multiply(place, field.stride) + field.offset] * len(images))
        for patch, corner, projection in zip(patches, corners, windows, strict=True):
            np.testing.assert_array_equal(patch, cut_window(projection, corner, field.size))
            # Nothing outside of the image.
            assert np.abs(patch).sum() == pytest.approx(np.abs(projection).sum(), rel=1e-4)


def equal_in_any_plan(model, images, monkeypatch):
    """Compares all plans with whole maps: all windows, those that are worthwhile, and some of them alone."""
    deconvnet = Deconvnet(model, unsupported="literature")
    recording = deconvnet.record(images)
    choose = Windows._choose

    def some(self, found):
        chosen = {self.value}
        for number, operation in enumerate(self.operations):
            if operation.output in chosen and number < len(self.operations) // 2:
                chosen.update(operation.inputs)
            else:
                chosen -= set(operation.inputs) - {self.value}
        return {number: place for number, place in found.items() if number in chosen}

    plans, activations = [], recording.activations("top").numpy()
    if deconvnet.graph.channels_first:
        activations = np.moveaxis(activations, 1, -1)
    for place in places_of(activations):
        unit = int(activations[(slice(None), *place)].max(axis=0).argmax())
        monkeypatch.setattr(Windows, "_choose", lambda self, found: {})
        whole = recording.project("top", unit, place)
        assert max(np.abs(part).max() for part in tf.nest.flatten(whole)) > 0
        for plan in (choose, all_windows, some):
            monkeypatch.setattr(Windows, "_choose", plan)
            for found, expected in zip(tf.nest.flatten(recording.project("top", unit, place)), tf.nest.flatten(whole), strict=True):
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(np.abs(expected).max(), 1e-9))
            windows = Windows(deconvnet.graph, deconvnet.graph.value_of("top"), recording.shapes)
            plans.append((len(windows.places), {source in windows.places for source in windows.sources}))
    return plans, recording


def net(middle, top=lambda x: x, size=SIZES[2]):
    keras.utils.set_random_seed(3)
    image = keras.Input(size)
    maps = middle(conv(6, activation="relu")(image))
    return keras.Model(image, conv(4, 2, padding="valid", name="top")(top(maps)))


# A window of the upper layers alone.
BELOW = {
    "upsampling": lambda x: conv(5)(layers.UpSampling2D(2)(layers.MaxPooling2D(2)(x))),
    "sum of all places": lambda x: conv(5)(x + ops.sum(x, (1, 2), keepdims=True)),
    "branches of other strides": lambda x: conv(5)(layers.Add()([layers.UpSampling2D(2)(x[:, ::2, ::2]), conv(6)(x)[:, :28]])),
    "gradient": lambda x: conv(5)(layers.LayerNormalization(axis=(1, 2))(x)),
}


@pytest.mark.parametrize("kind", BELOW)
def test_windows_down_to_what_has_none(kind, eagerly, monkeypatch):
    model = net(BELOW[kind], lambda x: layers.Add()([x, conv(x.shape[-1], 3)(x)]), (28, 24, 3))
    plans, _ = equal_in_any_plan(model, examples(2)[:, [*range(27), 26]], monkeypatch)
    assert all(count > 3 and reached == {False} for count, reached in plans)


def test_whole_maps_below_windows_that_cover_them(eagerly, monkeypatch):
    def deep(x):
        for _ in range(6):
            x = layers.Add()([x, conv(6, 5, activation="relu")(x)])
        return x

    plans, recording = equal_in_any_plan(net(deep), examples(2), monkeypatch)
    assert {reached for _, reached in [(count, min(reached)) for count, reached in plans]} == {False, True}
    patches, corners = recording.project_patches("top", 1, (0, 0))
    assert patches.shape == (2, 28, 28, 3)
    np.testing.assert_array_equal(corners, [[-13, -13]] * 2)


def test_several_inputs_one_behind_a_gate(eagerly, monkeypatch):
    keras.utils.set_random_seed(0)
    image, other, beside = keras.Input(SIZES[2]), keras.Input(SIZES[2]), keras.Input((1, 1, 6))
    maps = layers.Concatenate()([conv(3, 5)(image), conv(3, 3)(other)])
    maps = layers.Multiply()([maps, layers.Activation("sigmoid")(beside)])
    model = keras.Model([image, other, beside], conv(4, 2, name="top")(maps))
    images = [examples(2), examples(2)[::-1], by_numbers((2, 1, 1, 6)) - 1]
    _, recording = equal_in_any_plan(model, images, monkeypatch)
    projections = recording.project("top", 1, (5, 5))
    assert [np.any(part) for part in projections] == [True, True, False]


def test_channels_first(eagerly, monkeypatch):
    keras.utils.set_random_seed(0)
    image, first = keras.Input((3, 14, 12)), {"data_format": "channels_first", "padding": "same"}
    maps = layers.Conv2D(4, 3, **first)(image)
    maps = layers.Concatenate(axis=1)([maps, layers.BatchNormalization(axis=1)(layers.Conv2D(5, 5, **first, activation="relu")(maps))])
    maps = layers.Add()([maps, layers.Conv2D(9, 3, **first)(maps)])
    model = keras.Model(image, layers.Conv2D(4, 2, **first, name="top")(layers.MaxPooling2D(2, **first)(maps)))
    random = np.random.default_rng(0).normal(size=(2, 3, 14, 12)).astype("float32")
    plans, recording = equal_in_any_plan(model, random, monkeypatch)
    assert any(reached == {True} for _, reached in plans)
    assert recording.project_patches("top", 1, (2, 2))[0].shape[1] == 3


def test_same_bits_in_the_first_runs_and_compiled(monkeypatch):
    monkeypatch.setattr("zfnet.model.deconvnet.passes.MANY_OPERATIONS", 1)
    model = between(2, lambda x: layers.Add()([ON_IMAGES["dense block"](x), conv(12, 5, activation="relu")(ON_IMAGES["depthwise"](x))]))
    recording = Deconvnet(model).record(examples(2))
    found = [recording.project("top", [1, 2], (4, 5)) for _ in range(10)]
    assert np.abs(found[0]).max() > 0
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)
