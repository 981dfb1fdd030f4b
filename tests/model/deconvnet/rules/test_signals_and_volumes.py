"""Every kind of layer of signals and volumes, between two convolutions, against autodiff, loops and pixels."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.receptive_field import cut_window
from zfnet.model.deconvnet.rules.layers import LAYERS
from zfnet.model.deconvnet.rules.max_pool import find_switches, unpool
from zfnet.model.deconvnet.rules.window import sliding_window
from zfnet.model.deconvnet.windows.plan import Windows

SIZES = {1: (41, 3), 3: (9, 8, 10, 2)}
ON_SIGNALS = {
    "convolution": layers.Conv1D(5, 4, padding="same", activation="relu"),
    "convolution with strides": layers.Conv1D(5, 5, 3, "same", activation="relu"),
    "convolution with strides larger than its kernel": layers.Conv1D(5, 2, 3),
    "causal convolution": layers.Conv1D(5, 3, padding="causal", activation="relu"),
    "causal convolution with strides": layers.Conv1D(5, 4, 2, padding="causal"),
    "causal convolution with dilation": layers.Conv1D(5, 3, padding="causal", dilation_rate=4, activation="relu"),
    "dilated convolution": layers.Conv1D(5, 3, dilation_rate=3, padding="same"),
    "convolution in groups": layers.Conv1D(6, 3, groups=3),
    "depthwise convolution": layers.DepthwiseConv1D(3, 2, "same", activation="relu"),
    "separable convolution": layers.SeparableConv1D(5, 3, padding="same", activation="relu"),
    "transposed convolution": layers.Conv1DTranspose(5, 4, 2, "same"),
    "max pool": layers.MaxPooling1D(2),
    "overlapping max pool, same": layers.MaxPooling1D(3, 2, "same"),
    "max pool of 70 positions": layers.MaxPooling1D(35, 2, "same"),
    "global max pool": layers.GlobalMaxPooling1D(),
    "global max pool with its axis kept": layers.GlobalMaxPooling1D(keepdims=True),
    "adaptive max pool": layers.AdaptiveMaxPooling1D(41),
    "average pool": layers.AveragePooling1D(3, 2),
    "average pool, same": layers.AveragePooling1D(3, 2, "same"),
    "global average pool": layers.GlobalAveragePooling1D(),
    "adaptive average pool": layers.AdaptiveAveragePooling1D(41),
    "cropping": layers.Cropping1D((2, 1)),
    "padding": layers.ZeroPadding1D((1, 3)),
    "upsampling": layers.UpSampling1D(2),
    "batch normalization": layers.BatchNormalization(gamma_initializer="glorot_normal"),
    "dropout": layers.SpatialDropout1D(0.5),
    "parametric relu": layers.PReLU(shared_axes=(1,)),
    "rescaling": layers.Rescaling(-0.5, 0.1),
    "dense at each step": layers.Dense(5, activation="relu"),
    "time distributed dense": layers.TimeDistributed(layers.Dense(5)),
    "flatten": layers.Flatten(),
    "sum of branches": lambda maps: layers.Conv1D(6, 5, padding="same", activation="relu")(maps) + maps,
    "concatenation of branches": lambda maps: layers.Concatenate()([layers.Conv1D(4, 5, padding="causal")(maps), maps]),
    "slice": lambda maps: maps[:, 3:-2],
    "flip": lambda maps: ops.flip(maps, 1),
    "sum of steps": lambda maps: maps + ops.sum(maps, axis=1, keepdims=True),
    "pick a channel": lambda maps: ops.expand_dims(maps[..., 1], -1),
}
ON_VOLUMES = {
    "convolution": layers.Conv3D(3, (2, 3, 2), padding="same", activation="relu"),
    "convolution with strides": layers.Conv3D(3, 3, (2, 1, 2), "same", activation="relu"),
    "dilated convolution": layers.Conv3D(3, 2, dilation_rate=(2, 1, 3)),
    "transposed convolution": layers.Conv3DTranspose(3, 2, 2),
    "max pool": layers.MaxPooling3D(2),
    "overlapping max pool, same": layers.MaxPooling3D((3, 2, 3), (2, 1, 2), "same"),
    "max pool of 80 positions": layers.MaxPooling3D((4, 4, 5), 2, "same"),
    "global max pool": layers.GlobalMaxPooling3D(),
    "adaptive max pool": layers.AdaptiveMaxPooling3D((3, 4, 5)),
    "average pool": layers.AveragePooling3D((2, 1, 3), (1, 2, 2)),
    "average pool, same": layers.AveragePooling3D(2, 2, "same"),
    "global average pool": layers.GlobalAveragePooling3D(),
    "adaptive average pool": layers.AdaptiveAveragePooling3D((3, 4, 5)),
    "cropping": layers.Cropping3D(((1, 0), (0, 2), (1, 1))),
    "padding": layers.ZeroPadding3D(((1, 0), (0, 2), (1, 1))),
    "upsampling": layers.UpSampling3D((1, 2, 1)),
    "batch normalization": layers.BatchNormalization(gamma_initializer="glorot_normal"),
    "dropout": layers.SpatialDropout3D(0.5),
    "dense at each voxel": layers.Dense(4, activation="relu"),
    "frames by a convolution of images": layers.TimeDistributed(layers.Conv2D(3, (2, 3), padding="same")),
    "frames by a pooling of images": layers.TimeDistributed(layers.MaxPooling2D(2)),
    "sum of branches": lambda maps: layers.Conv3D(4, 3, padding="same", activation="relu")(maps) + maps,
}
KINDS = [(dims, kind) for dims, kinds in ((1, ON_SIGNALS), (3, ON_VOLUMES)) for kind in kinds]
UNEVEN = "transposed convolution", "upsampling", "flip"


def between(dims, kind):
    """A convolution, the layer, and another convolution or dense layer."""
    keras.utils.set_random_seed(3)
    convolution = {1: layers.Conv1D, 3: layers.Conv3D}[dims]
    middle = (ON_SIGNALS if dims == 1 else ON_VOLUMES)[kind]
    inputs = keras.Input(SIZES[dims])
    maps = convolution(6 if dims == 1 else 4, 2, padding="same", activation="relu", name="bottom")(inputs)
    maps = type(middle).from_config(middle.get_config())(maps) if isinstance(middle, layers.Layer) else middle(maps)
    top = convolution(3, min(2, *maps.shape[1:-1]), name="top") if len(maps.shape) == dims + 2 else layers.Dense(3, name="top")
    model = keras.Model(inputs, top(maps))
    for weight in model.weights:
        if weight.ndim == 1 and "seed" not in weight.name:
            weight.assign(np.random.default_rng(7).uniform(0.5, 2, weight.shape))
    return model


def examples(dims):
    return np.random.default_rng(2).normal(size=(2, *SIZES[dims])).astype("float32")


def corners_of(maps):
    return sorted(set(itertools.product(*((0, length - 1) for length in maps.shape[1:-1])))) if maps.ndim > 2 else [None]


@pytest.mark.parametrize(("dims", "kind"), KINDS)
def test_projections_equal_autodiff_in_windows_and_as_whole_maps(dims, kind, by_autodiff, eagerly, monkeypatch):
    model, images = between(dims, kind), examples(dims)
    deconvnet, autodiff = Deconvnet(model), by_autodiff(model, images)
    windows = Windows(deconvnet.graph, deconvnet.graph.value_of("top"), deconvnet.graph.shapes)
    for fewer in (True, False) if windows.possible else (False,):
        monkeypatch.setattr(Windows, "_choose", lambda self, found, fewer=fewer: found if fewer else {})
        recording = deconvnet.record(images)
        activations = recording.activations("top").numpy()
        np.testing.assert_allclose(activations, autodiff.value("top"), atol=1e-5 * np.abs(activations).max())
        empty = 0
        places = [*corners_of(activations), None]
        for place in places:
            expected = autodiff.project(autodiff.value("top"), 1, place)
            empty += not np.abs(expected).max() > 0
            np.testing.assert_allclose(recording.project("top", 1, place), expected, atol=1e-5 * np.abs(expected).max())
            if kind not in UNEVEN:
                patches, corners = recording.project_patches("top", 1, place)
                assert corners.shape == (2, dims)
                for patch, projection, corner in zip(patches, recording.project("top", 1, place), corners, strict=True):
                    np.testing.assert_allclose(patch, cut_window(projection, corner, patch.shape[:-1]), atol=1e-6 * np.abs(patch).max())
                    assert np.abs(patch).sum() == pytest.approx(np.abs(projection).sum(), rel=1e-5)
        # Some units at the border see padding alone.
        assert empty < len(places)


@pytest.mark.parametrize(("dims", "kind"), KINDS)
def test_nothing_outside_of_the_receptive_field_has_influence_and_its_ends_have(dims, kind, eagerly):
    model = between(dims, kind)
    if kind in UNEVEN:
        with pytest.raises(ValueError, match="no single receptive field"):
            receptive_field(model, "top")
        return
    field, images = receptive_field(model, "top"), examples(dims)
    features = keras.Model(model.input, model.get_layer("top").output)
    maps = features(images, training=False).numpy()
    reached = np.zeros((dims, 2), bool)
    middle = [tuple(length // 2 for length in maps.shape[1:-1])] if maps.ndim > 2 else []
    for place in [*corners_of(maps), *middle]:
        with tf.GradientTape() as tape:
            tape.watch(inputs := tf.constant(images))
            found = features(inputs, training=False)
            units = tf.reduce_sum((found if place is None else found[:, *place]) * [1.0, 2.0, 3.0])
        influence = np.abs(tape.gradient(units, inputs).numpy()).sum(axis=(0, -1))
        start = np.multiply(place or (0,) * dims, field.stride) + field.offset
        window = tuple(slice(max(first, 0), max(first + length, 0)) for first, length in zip(start, field.size, strict=True))
        outside = influence.copy()
        outside[window] = 0
        assert not outside.any(), (field, place)
        for axis in range(dims):
            along = np.flatnonzero(influence.sum(axis=tuple(other for other in range(dims) if other != axis)))
            # A unit at the border may see padding alone.
            if along.size:
                reached[axis] |= [along[0] == start[axis], along[-1] == start[axis] + field.size[axis] - 1]
    # Pooling and ReLU hide some places in some images.
    if "pool" not in kind:
        assert reached.all(), field


def test_every_kind_is_tried():
    wanted = {kind for kind in LAYERS if kind.__name__.endswith(("1D", "3D"))}
    assert {type(layer) for dims, kind in KINDS for layer in between(dims, kind).layers} >= wanted


@pytest.mark.parametrize(("size", "strides", "padding"), [((3, 2, 3), (2, 1, 2), "same"), ((2, 2, 2), (3, 2, 1), "valid")])
def test_switches_of_volumes_equal_loops(size, strides, padding):
    window = sliding_window(size, strides, padding)
    maps = np.random.default_rng(0).integers(-4, 4, (2, 7, 6, 5, 2)).astype("float32")
    switches = find_switches(tf.constant(maps), window).numpy()
    pooled = tf.nn.max_pool3d(maps, (1, *size, 1), (1, *strides, 1), padding.upper()).numpy()
    before = window.padding(maps.shape[1:-1])
    total = np.zeros((2, *window.span(switches.shape[1:-1]), 2))
    for example, *place, unit in np.ndindex(pooled.shape):
        start = np.multiply(place, strides) - before
        inside = {}
        for offsets in np.ndindex(size):
            voxel = start + offsets
            if (voxel >= 0).all() and (voxel < maps.shape[1:-1]).all():
                inside[offsets] = maps[example, *voxel, unit]
        # The first of equal values, row by row.
        first = max(inside, key=lambda offsets: (inside[offsets], [-offset for offset in offsets]))
        assert switches[example, *place, unit] == np.ravel_multi_index(first, size)
        assert pooled[example, *place, unit] == inside[first]
        total[example, *(np.multiply(place, strides) + first), unit] += pooled[example, *place, unit]
    unpooled = unpool(tf.constant(pooled), tf.constant(switches), window).numpy()
    reached = tuple(slice(length) for length in total.shape[1:-1])
    np.testing.assert_allclose(unpooled[:, *reached], total)
    assert np.abs(unpooled).sum() == pytest.approx(np.abs(total).sum())


@pytest.mark.parametrize("dims", [1, 3])
def test_recorded_switches_are_places_of_maxima(dims):
    pool = {1: layers.MaxPooling1D(3, 2, "same", name="pool"), 3: layers.MaxPooling3D(3, 2, "same", name="pool")}[dims]
    images = examples(dims)
    recording = Deconvnet(keras.Sequential([keras.Input(SIZES[dims]), pool])).record(images)
    switches, maxima = recording.switches("pool"), recording.activations("pool").numpy()
    assert switches.shape == (*maxima.shape, dims)
    for place in np.ndindex(maxima.shape):
        assert images[place[0], *switches[place], place[-1]] == maxima[place]


@pytest.mark.parametrize("dims", [1, 3])
def test_channels_first_equals_channels_last(dims, eagerly):
    convolution, pool, pad, top = {
        1: (layers.Conv1D, layers.MaxPooling1D, layers.ZeroPadding1D, layers.GlobalMaxPooling1D),
        3: (layers.Conv3D, layers.MaxPooling3D, layers.ZeroPadding3D, layers.GlobalAveragePooling3D),
    }[dims]

    def net(layout):
        keras.utils.set_random_seed(3)
        first = layout == "channels_first"
        every = {"data_format": layout}
        shape = SIZES[dims]
        inputs = keras.Input((shape[-1], *shape[:-1]) if first else shape)
        maps = convolution(5, 3, padding="same", activation="relu", name="low", **every)(inputs)
        maps = layers.BatchNormalization(axis=1 if first else -1, gamma_initializer="glorot_normal")(pad(1, **every)(maps))
        maps = convolution(4, 2, activation="relu", name="high", **every)(pool(2, name="pool", **every)(maps))
        joined = layers.Concatenate()([layers.Flatten(**every)(maps), top(**every)(maps)])
        return keras.Model(inputs, layers.Dense(3, name="top")(joined))

    last, first = net("channels_last"), net("channels_first")
    for ours, theirs in zip(first.weights, last.weights, strict=True):
        ours.assign(theirs)
    images = examples(dims)
    expected, found = Deconvnet(last).record(images), Deconvnet(first).record(np.moveaxis(images, -1, 1))
    for name in ("low", "pool", "high", "top"):
        projections = expected.project(name, 1)
        np.testing.assert_allclose(found.project(name, 1), np.moveaxis(projections, -1, 1), atol=1e-5 * np.abs(projections).max())
    patches, corners = expected.project_patches("high", 1)
    moved, same = found.project_patches("high", 1)
    np.testing.assert_array_equal(same, corners)
    np.testing.assert_allclose(moved, np.moveaxis(patches, -1, 1), atol=1e-5 * np.abs(patches).max())
    assert receptive_field(first, "high") == receptive_field(last, "high")
    np.testing.assert_array_equal(found.switches("pool"), expected.switches("pool"))


def test_cropping_that_takes_any_maps_as_channels_last(eagerly):
    def net(layout, crop, shape):
        keras.utils.set_random_seed(3)
        signal = keras.Input(shape)
        maps = crop(layers.Conv1D(6, 3, data_format=layout)(signal))
        return Deconvnet(keras.Model(signal, layers.Conv1D(4, 3, data_format=layout, name="top")(maps)))

    last = net("channels_last", lambda maps: maps[:, :, 1:-1], SIZES[1])
    first = net("channels_first", layers.Cropping1D(1), SIZES[1][::-1])
    assert receptive_field(first, "top") == receptive_field(last, "top")
    expected = last.project(examples(1), "top", 1)
    np.testing.assert_allclose(first.project(np.moveaxis(examples(1), -1, 1), "top", 1), np.moveaxis(expected, -1, 1), atol=1e-5)


def test_a_signal_of_open_length():
    model = keras.Sequential([keras.Input((None, 2)), layers.Conv1D(4, 3, padding="causal", activation="relu", name="low")])
    for layer in (layers.MaxPooling1D(2), layers.Conv1D(3, 5, padding="same", name="high")):
        model.add(layer)
    fixed = keras.Sequential([keras.Input((40, 2)), *(type(layer).from_config(layer.get_config()) for layer in model.layers)])
    fixed.set_weights(model.get_weights())
    signals = np.random.default_rng(0).normal(size=(2, 40, 2)).astype("float32")
    found, expected = Deconvnet(model).project(signals, "high", 1), Deconvnet(fixed).project(signals, "high", 1)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert receptive_field(model, "high") == receptive_field(fixed, "high") == ((12,), (2,), (-6,))


def test_a_layer_that_is_no_longer_maps_has_no_field():
    signal = keras.Input((20, 3))
    deconvnet = Deconvnet(keras.Model(signal, layers.Identity(name="top")(layers.Conv1D(4, 3)(signal)[..., 1])))
    with pytest.raises(ValueError, match="no longer maps"):
        receptive_field(deconvnet, "top")


def test_positions_have_as_many_numbers_as_the_map_has_dimensions():
    recording = Deconvnet(between(3, "max pool")).record(examples(3))
    assert recording.project("top", 1, (1, 0, 2)).shape == (2, *SIZES[3])
    with pytest.raises(ValueError, match=r"position has the shape \(2,\); expected one for all, or \(2, 3\)"):
        recording.project("top", 1, (1, 0))
    with pytest.raises(ValueError, match="There is no slice 9 in layer 'top'"):
        recording.project("top", 1, (9, 0, 0))
    with pytest.raises(ValueError, match="There is no step 99 in layer 'top'"):
        Deconvnet(between(1, "max pool")).project(examples(1), "top", 1, (99,))
