"""Models of every shape: nested, with layers called twice, channels first, of open size; and those that can't be looked into."""

import keras
import numpy as np
import pytest
from keras import layers

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.graph import Graph

SIZE = (17, 14, 3)
IMAGES = np.random.default_rng(0).normal(size=(2, *SIZE)).astype("float32")


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(3)


def conv(filters=6, **arguments):
    return layers.Conv2D(filters, 3, activation="relu", **arguments)


def backbone(name):
    image = keras.Input(SIZE)
    maps = layers.BatchNormalization(name=f"{name}_norm")(conv(name="conv", padding="same")(image))
    return keras.Model(image, layers.MaxPooling2D(2, name="pool")(layers.Add(name="sum")([maps, conv(padding="same")(maps)])), name=name)


def test_functional_in_sequential(equals_autodiff):
    model = keras.Sequential([keras.Input(SIZE), layers.Rescaling(0.5), backbone("backbone"), conv(name="head"), layers.Flatten()])
    model.add(layers.Dense(5, "softmax", name="predictions"))
    equals_autodiff(model, IMAGES, ["conv", "sum", "pool", "head", "predictions"])


def test_sequential_in_functional_in_functional(equals_autodiff):
    inner = keras.Sequential([keras.Input((None, None, 3)), conv(name="first"), layers.MaxPooling2D(2, name="pool")], name="inner")
    middle_image = keras.Input(SIZE)
    middle = keras.Model(middle_image, conv(name="second")(inner(middle_image * 2)), name="middle")
    image = keras.Input(SIZE)
    model = keras.Model(image, conv(name="third")(middle(image)))
    equals_autodiff(model, IMAGES, ["first", "pool", "second", "third"])


def test_nested_models_with_several_inputs_and_outputs(equals_autodiff, by_autodiff):
    one, other = keras.Input((17, 14, 6)), keras.Input((17, 14, 6))
    mix = keras.Model([one, other], [layers.Add(name="sum")([one, other]), layers.Subtract(name="difference")([one, other])], name="mix")
    image = keras.Input(SIZE)
    branches = mix([conv(padding="same")(image), conv(padding="same")(image)])
    model = keras.Model(image, layers.Concatenate()([conv(name="first")(branches[0]), conv(name="second")(branches[1])]))
    equals_autodiff(model, IMAGES, ["sum", "difference", "first", "second"])


def test_two_outputs(equals_autodiff):
    image = keras.Input(SIZE)
    maps = conv(name="below")(image)
    model = keras.Model(image, [conv(name="first")(maps), layers.Dense(3, "softmax", name="second")(layers.Flatten()(maps))])
    equals_autodiff(model, IMAGES, ["first", "second"])


def test_second_call_of_a_shared_layer_has_a_name(by_autodiff):
    shared = conv(3, name="shared", padding="same")
    pool = layers.MaxPooling2D(2, name="pool")
    model = keras.Sequential([keras.Input(SIZE), shared, pool])
    image = keras.Input(SIZE)
    model = keras.Model(image, conv(name="top", padding="same")(pool(shared(pool(shared(image))))))
    deconvnet, autodiff = Deconvnet(model), by_autodiff(model, IMAGES)
    assert deconvnet.layers == ["shared", "pool", "shared#2", "pool#2", "top"]
    for name, layer, call in (("shared", shared, 0), ("shared#2", shared, 1), ("pool", pool, 0), ("pool#2", pool, 1), ("top", "top", 0)):
        expected = autodiff.project(autodiff.value(layer, call), 1)
        np.testing.assert_allclose(deconvnet.project(IMAGES, name, 1), expected, atol=1e-5 * np.abs(expected).max())


def test_switches_of_each_call_of_a_shared_pool():
    pool = layers.MaxPooling2D(2, name="pool")
    recording = Deconvnet(keras.Sequential([keras.Input(SIZE), pool])).record(IMAGES)
    image = keras.Input(SIZE)
    twice = Deconvnet(keras.Model(image, pool(pool(image)))).record(IMAGES)
    np.testing.assert_array_equal(twice.switches("pool"), recording.switches("pool"))
    assert twice.switches("pool#2").shape == (2, 4, 3, 3, 2)


def test_model_called_twice(by_autodiff):
    inner = keras.Sequential([keras.Input(SIZE), conv(3, name="inside", padding="same")], name="inner")
    image = keras.Input(SIZE)
    model = keras.Model(image, layers.Add(name="top")([inner(inner(image)), image]))
    deconvnet, autodiff = Deconvnet(model), by_autodiff(model, IMAGES)
    assert deconvnet.layers == ["inside", "inside#2", "top"]
    for name, call in (("inside", 0), ("inside#2", 1)):
        expected = autodiff.project(autodiff.value("inside", call), 1)
        np.testing.assert_allclose(deconvnet.project(IMAGES, name, 1), expected, atol=1e-5 * np.abs(expected).max())


def test_layers_named_alike_are_told_apart(by_autodiff):
    image = keras.Input(SIZE)
    models = backbone("left"), backbone("right")
    top = conv(name="conv")
    model = keras.Model(image, top(layers.Concatenate(name="joined")([nested(image) for nested in models])))
    deconvnet, autodiff = Deconvnet(model), by_autodiff(model, IMAGES)
    # The plain name is the layer's that stands in the model itself.
    assert {"conv", "left/conv", "right/conv", "joined", "left_norm", "pool", "right/pool"} <= set(deconvnet.layers)
    for name, layer in (("conv", top), ("left/conv", models[0].get_layer("conv")), ("right/conv", models[1].get_layer("conv"))):
        expected = autodiff.project(autodiff.value(layer), 1)
        np.testing.assert_allclose(deconvnet.project(IMAGES, name, 1), expected, atol=1e-5 * np.abs(expected).max())


def to_model_layout(layout):
    first = layout == "channels_first"
    keras.utils.set_random_seed(3)
    axis, every = 1 if first else -1, {"data_format": layout}
    image = keras.Input((3, 17, 14) if first else SIZE)
    maps = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="first", **every)(image)
    maps = layers.BatchNormalization(axis=axis, gamma_initializer="glorot_normal", name="norm")(maps)
    maps = layers.MaxPooling2D(3, 2, "same", name="pool", **every)(layers.ZeroPadding2D(((1, 0), (0, 2)), **every)(maps))
    branches = [
        layers.SeparableConv2D(4, 3, padding="same", name="separable", **every)(maps),
        layers.DepthwiseConv2D((2, 3), padding="same", **every)(maps),
    ]
    maps = layers.PReLU(shared_axes=(2, 3) if first else (1, 2), name="joined")(layers.Concatenate(axis=axis)(branches))
    maps = layers.UpSampling2D((2, 1), name="up", **every)(layers.AveragePooling2D(2, 1, "same", **every)(maps))
    maps = layers.Conv2D(5, 2, activation="relu", name="last", **every)(layers.Cropping2D(((1, 2), (0, 1)), **every)(maps))
    maps = layers.Conv2DTranspose(4, 3, strides=2, name="transposed", **every)(maps)
    dense = layers.Dense(6, "relu", name="dense")(layers.Flatten(**every)(maps))
    pooled = [pool(**every)(maps) for pool in (layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D)]
    return keras.Model(image, layers.Dense(3, "softmax", name="top")(layers.Concatenate()([dense, *pooled])))


NAMES = ["norm", "pool", "joined", "up", "transposed", "top"]


def test_channels_first_equals_channels_last(equals_autodiff):
    last, first = to_model_layout("channels_last"), to_model_layout("channels_first")
    for ours, theirs in zip(first.weights, last.weights, strict=True):
        # A parametric ReLU has slopes of the layout of its maps.
        ours.assign(keras.ops.reshape(theirs, ours.shape))
    equals_autodiff(last, IMAGES, ["transposed", "top"])
    images = IMAGES.transpose(0, 3, 1, 2)
    expected, recording = Deconvnet(last).record(IMAGES), Deconvnet(first).record(images)
    for name in NAMES:
        activations = expected.activations(name).numpy()
        position = (activations.shape[1] - 1, 0) if activations.ndim == 4 else None
        if activations.ndim == 4:
            activations = activations.transpose(0, 3, 1, 2)
        np.testing.assert_allclose(recording.activations(name), activations, atol=1e-5 * np.abs(activations).max())
        projected = expected.project(name, 1, position).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(recording.project(name, 1, position), projected, atol=1e-5 * np.abs(projected).max())
    for name in ("pool", "separable"):
        patches, corners = expected.project_patches(name, 1, (2, 1))
        transposed, same = recording.project_patches(name, 1, (2, 1))
        np.testing.assert_array_equal(same, corners)
        np.testing.assert_allclose(transposed, patches.transpose(0, 3, 1, 2), atol=1e-5 * np.abs(patches).max())
    np.testing.assert_array_equal(recording.switches("pool"), expected.switches("pool"))
    assert receptive_field(first, "joined") == receptive_field(last, "joined")


def test_open_size(equals_autodiff):
    model = keras.Sequential(
        [keras.Input((None, None, 3)), conv(strides=2, padding="same", name="first"), layers.MaxPooling2D(3, 2, "same")]
    )
    model.add(layers.BatchNormalization())
    model.add(conv(padding="same", name="second"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(4, name="top"))
    deconvnet = Deconvnet(model)
    for size in ((17, 14, 3), (12, 16, 3)):
        equals_autodiff(deconvnet, np.random.default_rng(1).normal(size=(2, *size)).astype("float32"), ["first", "second", "top"])
    # With even sizes, `same` padding is another than with odd ones; which one is known from the images.
    assert deconvnet.project_patches(IMAGES, "second", 1, (0, 0))[1].tolist() == [[-7, -6]] * 2
    with pytest.raises(ValueError, match="input's size open, so `same` padding is not known"):
        receptive_field(model, "second")


@pytest.mark.parametrize(("policy", "tolerance"), [("float64", 1e-13), ("mixed_bfloat16", 0.05), ("bfloat16", 0.05)])
# The model rounds each of its layers to 8 bits, a projection goes on in 32.
def test_other_precisions(policy, tolerance, by_autodiff):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input(SIZE, dtype="float64" if policy == "float64" else "float32")
        maps = layers.MaxPooling2D(2, name="pool")(conv(name="first", padding="same")(image))
        maps = layers.ReLU()(layers.BatchNormalization()(layers.SeparableConv2D(5, 3, activation=layers.ReLU())(maps)))
        model = keras.Model(image, layers.Dense(4, name="top")(layers.Flatten()(maps)))
        images = IMAGES.astype(image.dtype)
        deconvnet, autodiff = Deconvnet(model), by_autodiff(model, images)
        for name, position in (("first", None), ("pool", (7, 0)), ("top", None)):
            expected = autodiff.project(autodiff.value(name), 1, position)
            projected = deconvnet.project(images, name, 1, position)
            assert projected.dtype == images.dtype
            np.testing.assert_allclose(projected, expected, atol=tolerance * np.abs(expected).max())
    finally:
        keras.config.set_dtype_policy(before)


class Preprocessing(keras.Model):
    def call(self, inputs, training=None):
        return super().call(inputs / 2, training=training)


class Scratch(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = conv()

    def call(self, inputs):
        return self.conv(inputs)


class Trained(keras.Model):
    def train_step(self, data):
        return {}


def test_subclass_with_a_graph_of_layers(equals_autodiff):
    image = keras.Input(SIZE)
    equals_autodiff(Trained(image, conv(name="top")(image)), IMAGES, ["top"])


def test_what_has_no_graph_is_refused():
    image = keras.Input(SIZE)
    maps = conv()(image)
    with pytest.raises(ValueError, match="is of type Preprocessing, with a `call` of its own"):
        Graph(Preprocessing(image, maps))
    with pytest.raises(ValueError, match="is of type Preprocessing, for which no deconvnet is defined"):
        Graph(keras.Sequential([keras.Input(SIZE), Preprocessing(image, maps)]))
    scratch = Scratch()
    with pytest.raises(ValueError, match="'scratch' is not built, or is a subclass without a graph of layers"):
        Graph(scratch)
    scratch(IMAGES)
    with pytest.raises(ValueError, match="subclass without a graph of layers"):
        Graph(scratch)
    with pytest.raises(ValueError, match="is of type Scratch, for which"):
        Graph(keras.Sequential([keras.Input(SIZE), scratch]))
    with pytest.raises(ValueError, match="is not built"):
        Graph(keras.Sequential([conv()]))


def test_operations_with_several_outputs_are_refused_if_they_are_not_linear():
    image = keras.Input(SIZE)
    mean, _ = keras.ops.moments(image, axes=(1, 2), keepdims=True)
    with pytest.raises(ValueError, match=r"Layer 'moments.*' is of type Moments, for which no deconvnet is defined"):
        Graph(keras.Model(image, conv()(image - mean)))
