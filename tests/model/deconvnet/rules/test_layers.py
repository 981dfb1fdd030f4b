"""Every kind of layer, between two convolutions, against autodiff through a copy of the model."""

import keras
import numpy as np
import pytest
from keras import layers

from zfnet.model import ContrastNormalization, Deconvnet, MeanImage, receptive_field
from zfnet.model.deconvnet.receptive_field import cut_window
from zfnet.model.deconvnet.rules.layers import LAYERS
from zfnet.model.deconvnet.rules.unchanged import IN_TRAINING_ALONE
from zfnet.model.deconvnet.windows.plan import Windows

SIZE = (17, 14, 3)


def photographs(count=2, size=SIZE):
    return np.random.default_rng(count).normal(size=(count, *size)).astype("float32")


def randomized(model):
    # Biases, so that a back-projected one shows; scales of both signs.
    random = np.random.default_rng(7)
    for variable in model.weights:
        if variable.name not in ("kernel", "depthwise_kernel", "pointwise_kernel", "seed_generator_state"):
            spread = random.uniform(0.5, 2, variable.shape) if "variance" in variable.name else random.normal(size=variable.shape)
            variable.assign(spread)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()
    return model


def between(middle):
    """A convolution, what `middle` makes of its maps, and another convolution or dense layer."""
    keras.utils.set_random_seed(3)
    image = keras.Input(SIZE)
    signal = middle(layers.Conv2D(6, 3, padding="same", activation="relu", name="bottom")(image))
    top = layers.Conv2D(4, min(2, signal.shape[1]), name="top") if len(signal.shape) == 4 else layers.Dense(4, name="top")
    return randomized(keras.Model(image, top(signal)))


def conv(**arguments):
    return layers.Conv2D(**{"filters": 6, "kernel_size": 3, "name": "middle", **arguments})


def max_pool(size, strides=None, padding="valid"):
    return layers.MaxPooling2D(size, strides, padding, name="middle")


KINDS = {
    "convolution": conv(padding="same"),
    "convolution without bias": conv(use_bias=False),
    "convolution with strides": conv(strides=2, padding="same"),
    "convolution with non-square strides": conv(kernel_size=(5, 3), strides=(3, 2)),
    "convolution with strides larger than its kernel": conv(kernel_size=2, strides=3, padding="same"),
    "convolution with an even kernel": conv(kernel_size=(4, 2), padding="same"),
    "convolution with an even kernel and strides": conv(kernel_size=4, strides=2, padding="same"),
    "convolution of many maps with strides": conv(filters=20, kernel_size=5, strides=2, padding="same", activation="relu"),
    "dilated convolution": conv(dilation_rate=(2, 3)),
    "dilated convolution, same": conv(kernel_size=(3, 2), dilation_rate=2, padding="same"),
    "convolution in groups": conv(groups=3, strides=2, padding="same"),
    "depthwise convolution": layers.DepthwiseConv2D((3, 2), depth_multiplier=2, activation="relu6", name="middle"),
    "depthwise convolution with strides": layers.DepthwiseConv2D(3, strides=2, padding="same", name="middle"),
    "depthwise convolution with dilation": layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", name="middle"),
    "separable convolution": layers.SeparableConv2D(5, (2, 3), strides=2, padding="same", activation="relu", name="middle"),
    "separable convolution, valid": layers.SeparableConv2D(5, 3, depth_multiplier=2, use_bias=False, name="middle"),
    "transposed convolution": layers.Conv2DTranspose(5, (3, 2), strides=(2, 3), padding="same", activation="relu", name="middle"),
    "transposed convolution, valid": layers.Conv2DTranspose(5, 4, strides=2, output_padding=1, name="middle"),
    "max pool": max_pool(2),
    "max pool, same": max_pool(2, padding="same"),
    "overlapping max pool": max_pool(3, 2),
    "overlapping max pool, same": max_pool(3, 2, "same"),
    "max pool with steps of one": max_pool(3, 1, "same"),
    "non-square max pool": max_pool((2, 4), (1, 3), "same"),
    "max pool with gaps": max_pool(2, 3),
    "max pool with gaps, same": max_pool((1, 2), (2, 3), "same"),
    "max pool of 72 positions": max_pool((9, 8), (3, 2), "same"),
    "max pool of 255 positions": max_pool((15, 17), 2, "same"),
    "max pool of 272 positions": max_pool((17, 16), (4, 3), "same"),
    "average pool": layers.AveragePooling2D((2, 3), (2, 1), name="middle"),
    "average pool, same": layers.AveragePooling2D(3, 2, "same", name="middle"),
    "global max pool with its axes kept": layers.GlobalMaxPooling2D(keepdims=True, name="middle"),
    "global average pool with its axes kept": layers.GlobalAveragePooling2D(keepdims=True, name="middle"),
    "global max pool": layers.GlobalMaxPooling2D(name="middle"),
    "global average pool": layers.GlobalAveragePooling2D(name="middle"),
    "adaptive average pool": layers.AdaptiveAveragePooling2D((17, 7), name="middle"),
    "resizing": layers.Resizing(20, 9, name="middle"),
    "spectral normalization": lambda maps: layers.SpectralNormalization(conv(strides=2, name=None), name="middle")(maps),
    "time distributed convolution": layers.TimeDistributed(layers.Conv1D(5, 3), name="middle"),
    "flatten": layers.Flatten(name="middle"),
    "reshape": layers.Reshape((14, 17, 6), name="middle"),
    "permute": layers.Permute((2, 1, 3), name="middle"),
    "dense on maps": layers.Dense(5, activation="relu", name="middle"),
    "batch normalization": layers.BatchNormalization(name="middle"),
    "batch normalization of columns": layers.BatchNormalization(axis=2, name="middle"),
    "relu": layers.Activation("relu", name="middle"),
    "leaky relu by name": layers.Activation("leaky_relu", name="middle"),
    "linear": layers.Activation("linear", name="middle"),
    "relu layer": layers.ReLU(name="middle"),
    "relu6 layer": layers.ReLU(6, threshold=0.1, name="middle"),
    "leaky relu layer": layers.LeakyReLU(0.3, name="middle"),
    "parametric relu layer": layers.PReLU(shared_axes=(1, 2), name="middle"),
    "relu layer as argument": conv(activation=layers.ReLU()),
    "leaky relu layer as argument": conv(activation=layers.LeakyReLU()),
    "parametric relu layer as argument": conv(activation=layers.PReLU(shared_axes=(1, 2))),
    "leaky relu as argument": conv(activation="leaky_relu"),
    "dropout": layers.Dropout(0.5, name="middle"),
    "dropout of maps": layers.SpatialDropout2D(0.5, name="middle"),
    "gaussian noise": layers.GaussianNoise(1.0, name="middle"),
    "gaussian dropout": layers.GaussianDropout(0.5, name="middle"),
    "identity": layers.Identity(name="middle"),
    "activity regularization": layers.ActivityRegularization(0.1, name="middle"),
    "zero padding": layers.ZeroPadding2D(((1, 0), (2, 3)), name="middle"),
    "cropping": layers.Cropping2D(((2, 1), (0, 3)), name="middle"),
    "centre crop": layers.CenterCrop(8, 10, name="middle"),
    "upsampling": layers.UpSampling2D((2, 3), name="middle"),
    "bilinear upsampling": layers.UpSampling2D(2, interpolation="bilinear", name="middle"),
    "contrast normalization": ContrastNormalization(name="middle"),
    "mean image": MeanImage(name="middle"),
    "rescaling": layers.Rescaling(-0.5, 0.25, name="middle"),
    "rescaling of each map": layers.Rescaling([1.0, -2.0, 3.0, 0.5, 1.5, -1.0], [0.1] * 6, name="middle"),
    "rescaling of each position": layers.Rescaling(np.linspace(-1, 1, 17 * 14 * 6).reshape(17, 14, 6), name="middle"),
    "normalization": layers.Normalization(name="middle"),
    "inverted normalization of all alike": layers.Normalization(axis=None, invert=True, name="middle"),
    "normalization of each position": layers.Normalization(axis=(1, 2, 3), name="middle"),
    "normalization with given statistics": layers.Normalization(mean=[0.5] * 6, variance=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], name="middle"),
    "random brightness": layers.RandomBrightness(0.5, name="middle"),
    "random contrast": layers.RandomContrast(0.5, name="middle"),
    "random flip": layers.RandomFlip(name="middle"),
    "random rotation": layers.RandomRotation(0.5, name="middle"),
    "random translation": layers.RandomTranslation(0.5, 0.5, name="middle"),
    "random zoom": layers.RandomZoom(0.5, name="middle"),
    "random crop to the same size": layers.RandomCrop(17, 14, name="middle"),
    "pipeline that begins with a move": layers.Pipeline([layers.CenterCrop(9, 10), layers.Rescaling(0.5), conv(name=None)], name="middle"),
    "pipeline": layers.Pipeline([layers.RandomFlip(), layers.Rescaling(0.5), layers.CenterCrop(8, 10), conv(name=None)], name="middle"),
}
JOINS = {
    "add": layers.Add,
    "subtract": layers.Subtract,
    "average": layers.Average,
    "concatenate": layers.Concatenate,
    "concatenate rows": lambda name: layers.Concatenate(axis=1, name=name),
}


def joined(kind):
    def middle(maps):
        branches = [maps, conv(padding="same", name=None)(maps), conv(padding="same", kernel_size=5, activation="relu", name=None)(maps)]
        return JOINS[kind](name="middle")(branches[:2] if kind == "subtract" else branches)

    return middle


KINDS |= {kind: joined(kind) for kind in JOINS}


# Of these, units at different places see windows of different sizes.
UNEVEN = (
    "transposed convolution",
    "upsampling",
    "bilinear upsampling",
    "permute",
    "resizing",
    "concatenate rows",
)


@pytest.mark.parametrize("kind", KINDS)
def test_projections_equal_autodiff_in_windows_and_as_whole_maps(kind, by_autodiff, equals_autodiff, monkeypatch):
    deconvnet, images = Deconvnet(between(KINDS[kind])), photographs()
    autodiff = by_autodiff(deconvnet.model, images)
    for fewer in (True, False) if windows_of(deconvnet).possible else (False,):
        monkeypatch.setattr(Windows, "_choose", lambda self, found, fewer=fewer: found if fewer else {})
        recording = equals_autodiff(deconvnet, images, ["top"], autodiff)
        if not kind.startswith(UNEVEN):
            check_patches(recording, receptive_field(deconvnet.model, "top"))


def windows_of(deconvnet):
    return Windows(deconvnet.graph, deconvnet.graph.value_of("top"), deconvnet.graph.shapes)


def check_patches(recording, field):
    maps = recording.activations("top").numpy()
    position = (maps.shape[1] - 1, 0) if maps.ndim == 4 else None
    projections = recording.project("top", 2, position)
    patches, corners = recording.project_patches("top", 2, position)
    np.testing.assert_array_equal(corners, [np.multiply(position or (0, 0), field.stride) + field.offset] * 2)
    assert patches.shape == (2, *field.size, 3)
    for patch, projection, corner in zip(patches, projections, corners, strict=True):
        np.testing.assert_array_equal(patch, cut_window(projection, corner, field.size))
        # Nothing of it is left outside.
        assert np.abs(patch).sum() == pytest.approx(np.abs(projection).sum(), rel=1e-5)


@pytest.mark.parametrize("kind", UNEVEN)
def test_units_of_different_windows_have_no_receptive_field(kind):
    with pytest.raises(ValueError, match="no single receptive field"):
        receptive_field(between(KINDS[kind]), "top")


def test_what_slides_comes_down_in_windows():
    def in_windows(*kinds):
        return [windows_of(Deconvnet(between(KINDS[kind]))).possible for kind in kinds]

    assert all(in_windows("convolution in groups", "dilated convolution, same", "separable convolution", "max pool with gaps, same"))
    assert all(in_windows("average pool", "batch normalization", "cropping", "leaky relu as argument", "rescaling of each map"))
    assert all(in_windows("average pool, same", "add", "rescaling of each position", "batch normalization of columns"))
    assert not any(in_windows("flatten", "upsampling", "transposed convolution", "concatenate rows"))


def test_every_kind_of_layer_is_tried():
    tried = {type(layer) for kind in KINDS for layer in between(KINDS[kind]).layers}
    elsewhere = {layers.AdaptiveMaxPooling2D, layers.EinsumDense, layers.RepeatVector, layers.Softmax}
    # Those of signals and volumes are tried in test_signals_and_volumes.py.
    rest = {kind for kind in set(LAYERS) - tried - set(IN_TRAINING_ALONE) if not any(dims in kind.__name__ for dims in ("1D", "3D"))}
    assert rest == elsewhere


def pooled(maps):
    maps = layers.MaxPooling2D(3, 2, name="pool")(ContrastNormalization()(maps))
    return layers.BatchNormalization()(conv(padding="same", activation="relu")(maps))


@pytest.mark.parametrize("count", [1, 33])
def test_one_image_and_more_than_a_chunk(count, equals_autodiff):
    equals_autodiff(between(pooled), photographs(count), ["bottom", "middle", "top"])


def test_eager_equals_autodiff(equals_autodiff, eagerly):
    equals_autodiff(between(pooled), photographs(), ["pool", "top"])


@pytest.mark.parametrize(
    "last",
    [layers.Softmax(), layers.Activation("softmax"), layers.Activation("sigmoid"), layers.Dense(5, "softmax"), conv(activation="sigmoid")],
)
def test_logits_below_a_softmax_or_sigmoid_at_the_end(last, equals_autodiff):
    keras.utils.set_random_seed(3)
    last = type(last).from_config({**last.get_config(), "name": "last"})
    pool = [] if isinstance(last, layers.Conv2D) else [layers.GlobalAveragePooling2D()]
    equals_autodiff(keras.Sequential([keras.Input(SIZE), conv(name="below"), *pool, last]), photographs(), ["below", "last"])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("constant", [0, 1, -1])
def test_ties(constant, padding, equals_autodiff):
    # Everything is equal in images of constants, and much of it behind a ReLU.
    def middle(maps):
        return max_pool(3, 2, padding)(maps)

    images = np.concatenate([np.full((1, *SIZE), constant, "float32"), np.sign(photographs(2))])
    equals_autodiff(between(middle), images, ["middle", "top"])


def test_no_maximum_lies_in_padding():
    # All below zero, so that zeros in the padding would be maxima.
    model = keras.Sequential([keras.Input((5, 6, 1)), layers.MaxPooling2D(3, 2, "same", name="pool")])
    image = -1 - np.arange(30, dtype="float32").reshape(1, 5, 6, 1)
    recording = Deconvnet(model).record(image)
    assert recording.switches("pool")[0, :, :, 0].tolist() == [
        [[max(0, 2 * row - 1), 2 * column] for column in range(3)] for row in range(3)
    ]
    for row, column in ((0, 0), (2, 2)):
        expected = np.zeros_like(image)
        expected[0, max(0, 2 * row - 1), 2 * column] = image[0, max(0, 2 * row - 1), 2 * column]
        np.testing.assert_array_equal(recording.project("pool", 0, (row, column)), expected)
