"""Linear operations between two convolutions: the projection is the gradient, and the receptive field is where pixels have influence."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from zfnet.model import Deconvnet, receptive_field
from zfnet.model.deconvnet.windows.plan import Windows

SIZE = (12, 10, 3)
IMAGES = np.random.default_rng(0).normal(size=(2, *SIZE)).astype("float32")
MATRIX = np.random.default_rng(1).normal(size=(6, 4)).astype("float32")
FILTERS = np.random.default_rng(2).normal(size=(3, 2, 6, 4)).astype("float32")


def at(*key):
    return lambda x: x[(slice(None), *key)]


EVERY = slice(None)
# Those whose units all see windows of one size, at steps of one size; and that of the units in the convolution above.
EXACT = {
    "vgg16's preprocessing": (lambda x: keras.applications.vgg16.preprocess_input(x[..., :3]), (5, 5)),
    "channels reversed": (at(EVERY, EVERY, slice(None, None, -1)), (5, 5)),
    "a number for each map": (lambda x: 2 - x * np.arange(6.0, dtype="float32") / np.ones((1, 1, 1, 6), "float32"), (5, 5)),
    "channels picked": (at(EVERY, EVERY, slice(1, 4)), (5, 5)),
    "channels taken": (lambda x: ops.take(x, [3, 0, 0], axis=-1), (5, 5)),
    "convolution at every row": (layers.TimeDistributed(layers.Conv1D(4, 3)), (5, 7)),
    "cut": (at(slice(1, -1), slice(2, -1)), (5, 5)),
    "cut at the end": (at(slice(None, 7)), (5, 5)),
    "cut, channels reversed": (at(slice(1, None), EVERY, slice(None, None, -1)), (5, 5)),
    "every second": (at(slice(1, None, 2), slice(None, None, 2)), (7, 7)),
    "pad": (lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]]), (5, 5)),
    "pad with a value, and channels": (lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 3], [1, 2]], constant_values=7)[..., :-1], (5, 5)),
    "pad for a maximum": (
        lambda x: ops.max_pool(ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-np.inf), 3, 1),
        (7, 7),
    ),
    "max pool": (lambda x: ops.max_pool(x, (3, 2), 2), (9, 8)),
    "max pool, same": (lambda x: ops.max_pool(x, 2, padding="same"), (8, 8)),
    "adaptive max pool": (layers.AdaptiveMaxPooling2D((5, 4)), (8, 8)),
    "largest of channels": (lambda x: ops.max(x, axis=-1, keepdims=True), (5, 5)),
    "largest of channels, and expand": (lambda x: ops.amax(x, 3)[..., None], (5, 5)),
    "cut and padded again": (lambda x: ops.pad(x[:, :5], [[0, 0], [0, 3], [0, 0], [0, 0]]), (5, 5)),
    "flip of channels": (lambda x: ops.flip(x, -1), (5, 5)),
    "expand and squeeze": (lambda x: ops.squeeze(ops.expand_dims(x, 1), 1), (5, 5)),
    "there and back": (lambda x: ops.transpose(ops.transpose(x, (0, 3, 2, 1)), (0, 3, 2, 1)), (5, 5)),
    "channels shuffled": (
        lambda x: ops.reshape(ops.swapaxes(ops.reshape(x, (-1, *x.shape[1:3], 2, 3)), 3, 4), (-1, *x.shape[1:])),
        (5, 5),
    ),
    "channels shuffled by layers": (
        lambda x: layers.Reshape(x.shape[1:])(layers.Permute((1, 2, 4, 3))(layers.Reshape((*x.shape[1:3], 3, 2))(x))),
        (5, 5),
    ),
    "stack of channels": (lambda x: ops.stack([x[..., number] for number in (2, 1, 5)], axis=-1), (5, 5)),
    "stack of two": (lambda x: ops.stack([x[..., 0], ops.sum(x, axis=-1)], axis=-1), (5, 5)),
    "tile of channels": (lambda x: ops.tile(x, (1, 1, 1, 2)), (5, 5)),
    "repeat of channels": (lambda x: ops.repeat(x, 2, axis=-1), (5, 5)),
    "roll of channels": (lambda x: ops.roll(x, 1, axis=3), (5, 5)),
    "split of channels": (lambda x: ops.subtract(*ops.split(x, 2, axis=-1)), (5, 5)),
    "unstack of channels": (lambda x: ops.stack(ops.unstack(x, axis=-1)[:2], axis=-1), (5, 5)),
    "lower triangle": (lambda x: ops.tril(x[..., 0])[..., None], (5, 5)),
    "space to depth": (lambda x: ops.space_to_depth(x, 2), (8, 8)),
    "extracted patches": (lambda x: ops.image.extract_patches(x, 2, strides=1), (6, 6)),
    "cropped": (lambda x: ops.image.crop_images(x, 1, 2, target_height=6, target_width=5), (5, 5)),
    "cast": (lambda x: ops.cast(x, "float32"), (5, 5)),
    "copy": (lambda x: ops.copy(x), (5, 5)),
    "sum of channels": (lambda x: ops.sum(x, -1, keepdims=True), (5, 5)),
    "mean of channels": (lambda x: ops.mean(x, axis=-1, keepdims=True), (5, 5)),
    "mean and expand": (lambda x: ops.expand_dims(ops.mean(x, axis=3), -1), (5, 5)),
    "average of channels": (lambda x: ops.expand_dims(ops.average(x, axis=3, weights=np.arange(6.0)), -1), (5, 5)),
    "cumulated channels": (lambda x: ops.cumsum(x, axis=-1), (5, 5)),
    "differences of channels": (lambda x: ops.diff(x), (5, 5)),
    "grey": (lambda x: ops.image.rgb_to_grayscale(x[..., :3]), (5, 5)),
    "chosen": (lambda x: ops.where(np.arange(6) % 2 == 0, x, 0.5), (5, 5)),
    "matrix product": (lambda x: ops.matmul(x, MATRIX), (5, 5)),
    "matrix product by dot": (lambda x: ops.dot(x, MATRIX), (5, 5)),
    "average pool": (lambda x: ops.average_pool(x, (2, 3), (1, 2)), (6, 9)),
    "average pool, same": (lambda x: ops.average_pool(x, 2, padding="same"), (8, 8)),
    "convolution": (lambda x: ops.conv(x, FILTERS, padding="same"), (7, 6)),
    "dilated convolution": (lambda x: ops.conv(x, FILTERS, dilation_rate=2), (9, 7)),
    "depthwise convolution": (lambda x: ops.depthwise_conv(x, FILTERS, strides=2), (9, 8)),
    "separable convolution": (lambda x: ops.separable_conv(x, FILTERS, np.ones((1, 1, 24, 3), "float32")), (7, 6)),
    "resize to the same": (lambda x: ops.image.resize(x, (10, 8)), (5, 5)),
    "resize to half, nearest": (lambda x: ops.image.resize(x, (5, 4), "nearest"), (7, 7)),
    "adaptive average pool layer": (layers.AdaptiveAveragePooling2D((5, 4)), (8, 8)),
    "resizing layer, nearest": (layers.Resizing(5, 4, "nearest"), (7, 7)),
    "permuted channels": (layers.Permute((1, 2, 3)), (5, 5)),
    "dense at every row": (layers.TimeDistributed(layers.Dense(4)), (5, 5)),
    "dense": (layers.Dense(4), (5, 5)),
    "spectral normalization": (lambda x: layers.SpectralNormalization(layers.Conv2D(4, 3))(x), (7, 7)),
}
# Those whose units see windows of different sizes, or of which that is not known.
UNEVEN = {
    "rows reversed": lambda x: ops.flip(x, 1),
    "columns reversed": at(EVERY, slice(None, None, -1)),
    "reflected": lambda x: ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="reflect"),
    "transposed": lambda x: ops.transpose(x, (0, 2, 1, 3)),
    "moved axis": lambda x: ops.moveaxis(x, 3, 1),
    "turned": lambda x: ops.rot90(x, axes=(1, 2)),
    "rolled": lambda x: ops.roll(x, 2, axis=1),
    "repeated rows": lambda x: ops.repeat(x, 2, axis=1),
    "tiled": lambda x: ops.tile(x, (1, 2, 1, 1)),
    "depth to space": lambda x: ops.depth_to_space(x[..., :4], 2),
    "expanded in front": lambda x: ops.squeeze(layers.Add()([ops.expand_dims(x, 1)] * 2), 1),
    "taken rows": lambda x: ops.take(x, [3, 1, 4, 2, 6, 0], axis=1),
    "sum with its first row": lambda x: x + x[:, :1],
    "sum with its first row, layers": lambda x: layers.Add()([x, layers.Cropping2D(((0, 9), (0, 0)))(x)]),
    "resized": lambda x: ops.image.resize(x, (7, 9)),
    "resized, nearest": lambda x: ops.image.resize(x, (20, 16), "nearest"),
    "resizing layer": layers.Resizing(7, 9, "bicubic"),
    "uneven adaptive average pool": layers.AdaptiveAveragePooling2D(4),
    "blurred": lambda x: ops.image.gaussian_blur(x),
    "edges": lambda x: ops.image.sobel_edges(x)[..., 0],
    "transformed": lambda x: ops.image.affine_transform(x, np.array([[1, 0.1, 0.5, 0, 0.9, 0, 0, 0]], "float32")),
    "transposed convolution": layers.Conv2DTranspose(4, 3, strides=2),
    "einsum": lambda x: ops.einsum("nhwc,cd->nhwd", x, MATRIX),
    "tensordot": lambda x: ops.tensordot(x, MATRIX, 1),
    "dense einsum": layers.EinsumDense("abcd,de->abce", (10, 8, 4), bias_axes="e"),
    "pool at every step": lambda x: layers.TimeDistributed(layers.MaxPooling2D(2))(ops.expand_dims(x, 1))[:, 0],
}
# Those whose units see the whole image.
WHOLE = {
    "largest of places": lambda x: ops.max(x, axis=(1, 2)),
    "sum of rows": lambda x: ops.sum(x, 1, keepdims=True) + x,
    "mean of places": lambda x: ops.mean(x, axis=(1, 2)),
    "raveled maps": lambda x: ops.reshape(x, (-1, 480)),
    "one pixel": at(3, 4),
    "sequence, convolved": lambda x: layers.Conv1D(4, 3, padding="causal")(layers.Reshape((80, 6))(x)),
    "sequence, dense at every step": lambda x: layers.TimeDistributed(layers.Dense(4))(layers.Reshape((80, 6))(x)),
    "sequence, cut and pooled": lambda x: layers.AveragePooling1D(3)(layers.Cropping1D(2)(layers.Reshape((80, 6))(x))),
    "vector, repeated": lambda x: layers.RepeatVector(3)(layers.GlobalAveragePooling2D()(x)),
    "adaptive average pool to one": layers.AdaptiveAveragePooling2D(1),
    "matrix in front": lambda x: ops.reshape(ops.matmul(MATRIX.T, ops.reshape(x, (-1, 6, 80))), (-1, 4, 8, 10)),
}


def model_of(middle):
    keras.utils.set_random_seed(3)
    image = keras.Input(SIZE)
    maps = middle(layers.Conv2D(6, 3, name="bottom")(image))
    if len(maps.shape) == 4 and min(maps.shape[1:3]) >= 3:
        return keras.Model(image, layers.Conv2D(4, 3, name="top")(maps))
    return keras.Model(image, layers.Dense(4, name="top")(layers.Flatten()(maps)))


def gradient_of_strongest(model, unit=1):
    """Nothing but linear maps, and a maximum: the projection is the gradient, times the activation."""
    with tf.GradientTape() as tape:
        tape.watch(inputs := tf.constant(IMAGES))
        maps = tf.reshape(model(inputs)[..., unit], (len(IMAGES), -1))
        best = tf.gather(maps, tf.argmax(maps, axis=1), batch_dims=1)
        total = tf.reduce_sum(best * tf.stop_gradient(best))
    return tape.gradient(total, inputs).numpy()


def seen(model, row, column):
    """Rows, and columns, of the pixels that influence a unit."""
    with tf.GradientTape() as tape:
        tape.watch(inputs := tf.constant(IMAGES[:1]))
        unit = tf.reduce_sum(model(inputs)[0, row, column] * [1, 2, 3, 5])
    influence = tape.gradient(unit, inputs)[0].numpy().any(axis=-1)
    return [np.flatnonzero(influence.any(axis=axis)) for axis in (1, 0)]


@pytest.mark.parametrize("kind", EXACT)
def test_the_receptive_field_is_where_pixels_have_influence(kind):
    middle, size = EXACT[kind]
    model = model_of(middle)
    field = receptive_field(model, "top")
    assert field.size == size
    height, width = model.output.shape[1:3]
    # All of it in the middle; at borders there may be zeros instead. A maximum passes the influence of one pixel alone.
    exact = not any(word in kind for word in ("max", "largest", "triangle", "padded"))
    for place in ((0, 0), (height // 2, width // 2), (height - 1, width - 1)):
        starts = np.multiply(place, field.stride) + field.offset
        for pixels, start, length, limit in zip(seen(model, *place), starts, size, SIZE, strict=False):
            expected = np.arange(max(start, 0), min(start + length, limit))
            assert set(pixels) <= set(expected)
            if exact and 0 < place[0] < height - 1:
                assert pixels.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", UNEVEN)
def test_units_that_see_windows_of_different_sizes_have_no_receptive_field(kind):
    with pytest.raises(ValueError, match="no single receptive field"):
        receptive_field(model_of(UNEVEN[kind]), "top")


@pytest.mark.parametrize("kind", WHOLE)
def test_units_that_see_the_whole_image(kind):
    assert receptive_field(model_of(WHOLE[kind]), "top") == ((12, 10), (0, 0), (0, 0))


LOCAL = ("channels reversed", "channels taken", "cut", "pad", "sum of channels", "matrix product", "adaptive average pool layer", "cast")


@pytest.mark.parametrize("kind", [*LOCAL, "vgg16's preprocessing", "a number for each map", "channels shuffled", "max pool"])
def test_windows_come_down_alone(kind, eagerly, monkeypatch):
    deconvnet = Deconvnet(model_of(EXACT[kind][0]))
    recording = deconvnet.record(IMAGES)
    windows = Windows(deconvnet.graph, deconvnet.graph.value_of("top"), deconvnet.graph.shapes)
    assert windows.possible
    found = []
    for fewer in (True, False):
        monkeypatch.setattr(Windows, "_choose", lambda self, found, fewer=fewer: found if fewer else {})
        found.append(
            [recording.project("top", [0, 1], place) for place in ((0, 0), (1, 1), np.subtract(deconvnet.graph.shapes[-1][:2], 1))]
        )
    np.testing.assert_allclose(*found, atol=1e-5 * np.abs(found[1]).max())
    assert np.abs(found[1]).max() > 0


REFUSED = {
    "flip of the batch": (lambda x: ops.flip(x, 0), "mixes the images of a batch"),
    "transposed with the batch": (lambda x: ops.sum(ops.transpose(x, (1, 0, 2, 3)), axis=1), "mixes the images of a batch"),
    "sum of everything": (lambda x: x + ops.sum(x), "mixes the images of a batch"),
    "mean of the batch": (lambda x: x + ops.mean(x, axis=0, keepdims=True), "mixes the images of a batch"),
    "cumulated over the batch": (lambda x: ops.cumsum(x, axis=0), "mixes the images of a batch"),
    "numbers for two images": (lambda x: x + np.ones((2, 1, 1, 6), "float32"), "mixes the images of a batch"),
    "images tiled": (lambda x: ops.tile(x, (2, 1, 1, 1)), "mixes the images of a batch"),
    "images repeated": (lambda x: ops.repeat(x, 2, axis=0), "mixes the images of a batch"),
    "largest of all": (lambda x: x + ops.max(x), "mixes the images of a batch"),
    "images stacked": (lambda x: ops.reshape(ops.stack([x, x], axis=0), (-1, 10, 8, 6)), "mixes the images of a batch"),
    "images joined": (lambda x: ops.concatenate([x, x], axis=0), "mixes the images of a batch"),
    "joined by a layer": (lambda x: layers.Concatenate(axis=0)([x, x]), "mixes the images of a batch"),
    "images split": (lambda x: ops.split(ops.concatenate([x, x], axis=0), 2)[0], "mixes the images of a batch"),
    "first image": (lambda x: x + x[0], "mixes the images of a batch"),
    "images in rows": (lambda x: ops.reshape(x, (-1, 5, 8, 6)), "mixes the images of a batch"),
    "einsum over images": (lambda x: x + ops.einsum("nhwc->hwc", x), "mixes the images of a batch"),
    "sum with all images": (lambda x: x + ops.squeeze(x[:, :1, :, :], 1), "mixes the images of a batch"),
    "fixed number": (lambda x: ops.slice(x, (0, 2, 1, 0), (2, 6, 6, 6)), "mixes the images of a batch"),
    "rounded": (lambda x: ops.cast(ops.cast(x, "int32"), "float32"), "is of type Cast, to int32"),
    "taken by an activation": (lambda x: ops.take_along_axis(x, ops.cast(x, "int32"), axis=1), "is of type Cast, to int32"),
    "matrix of activations": (lambda x: ops.matmul(x, ops.swapaxes(x, 2, 3)), "is the product of two activations"),
    "times itself, by einsum": (lambda x: ops.einsum("nhwc,nhwc->nhwc", x, x), "is the product of two activations"),
    "chosen by an activation": (lambda x: ops.where(x > 0, x, 0.5), "is of type Greater"),
    "maximum of two": (lambda x: ops.maximum(x, 2 * x), "is a maximum of activations"),
    "uneven adaptive max pool": (layers.AdaptiveMaxPooling2D((4, 4)), "a size that divides that of the maps"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_linear_or_mixes_images_is_refused(kind):
    middle, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        Deconvnet(model_of(middle))


def test_an_activation_passes_where_a_gradient_stops(eagerly):
    expected = Deconvnet(model_of(lambda x: x)).project(IMAGES, "top", 1)
    np.testing.assert_array_equal(Deconvnet(model_of(ops.stop_gradient)).project(IMAGES, "top", 1), expected)


def test_a_maximum_with_zero_is_a_relu(eagerly):
    expected = Deconvnet(model_of(layers.ReLU())).project(IMAGES, "top", 1)
    np.testing.assert_array_equal(Deconvnet(model_of(lambda x: ops.maximum(x, 0))).project(IMAGES, "top", 1), expected)


def test_whole_numbers_that_are_rounded_or_overflow_are_refused():
    image = keras.Input(SIZE, dtype="uint8")
    with pytest.raises(ValueError, match="is of type Resizing, on uint8, which it rounds"):
        Deconvnet(keras.Model(image, layers.Conv2D(4, 3)(layers.Resizing(7, 5)(image))))
    with pytest.raises(ValueError, match="computes in uint8, which rounds or overflows"):
        Deconvnet(keras.Model(image, layers.Conv2D(4, 3)(image * 2)))
    Deconvnet(keras.Model(image, layers.Conv2D(4, 3)(ops.cast(image[..., ::-1], "float32") / 255)))


def test_each_result_of_a_split_has_a_name(eagerly):
    image = keras.Input(SIZE)
    red, green, blue = ops.split(image, 3, axis=-1)
    model = keras.Model(image, layers.Concatenate()([blue, green, red]))
    deconvnet = Deconvnet(model)
    names = deconvnet.layers[:3]
    assert names == [names[0], f"{names[0]}:1", f"{names[0]}:2"]
    for number, name in enumerate(names):
        np.testing.assert_array_equal(deconvnet.record(IMAGES).activations(name)[..., 0], IMAGES[..., number])


def test_a_sequence_of_pictures_without_channels(eagerly):
    image = keras.Input((28, 20))
    model = keras.Model(image, layers.Conv2D(4, 3, name="top")(layers.Reshape((28, 20, 1))(image)))
    assert receptive_field(model, "top") == ((3, 3), (1, 1), (0, 0))
    images = np.random.default_rng(0).normal(size=(2, 28, 20)).astype("float32")
    recording = Deconvnet(model).record(images)
    patches, corners = recording.project_patches("top", 1, (4, 7))
    np.testing.assert_array_equal(corners, [(4, 7)] * 2)
    np.testing.assert_array_equal(patches, recording.project("top", 1, (4, 7))[:, 4:7, 7:10])
    assert patches.any()


def test_open_sizes(eagerly):
    image = keras.Input((None, None, 3))
    maps = ops.pad(image[:, 1:, 2:, ::-1], [[0, 0], [0, 3], [4, 0], [0, 0]])
    field = receptive_field(keras.Model(image, layers.Conv2D(2, 3, name="top")(maps)), "top")
    assert field == ((3, 3), (1, 1), (1, -2))
    with pytest.raises(ValueError, match="no single receptive field"):
        receptive_field(keras.Model(image, layers.Conv2D(2, 3, name="top")(image[:, -20:])), "top")


@pytest.mark.parametrize("kind", EXACT | UNEVEN | WHOLE)
def test_the_projection_is_the_gradient(kind, eagerly):
    middle = (UNEVEN | WHOLE).get(kind) or EXACT[kind][0]
    model = model_of(middle)
    expected = gradient_of_strongest(model)
    recording = Deconvnet(model).record(IMAGES)
    np.testing.assert_allclose(recording.activations("top"), model(IMAGES), atol=1e-5 * np.abs(model(IMAGES)).max())
    np.testing.assert_allclose(recording.project("top", 1), expected, atol=1e-5 * np.abs(expected).max())
    assert np.abs(expected).max() > 0


# The same operation on maps `(H, W, C)` and `(C, H, W)`.
LAYOUTS = {
    "preprocessing": (
        lambda x: keras.applications.resnet50.preprocess_input(x[..., :3], "channels_last"),
        lambda x: keras.applications.resnet50.preprocess_input(x[:, :3], "channels_first"),
    ),
    "mean of channels": (lambda x: ops.mean(x, -1, keepdims=True), lambda x: ops.mean(x, 1, keepdims=True)),
    "largest of channels": (lambda x: ops.max(x, -1, keepdims=True), lambda x: ops.max(x, 1, keepdims=True)),
    "largest of places": (lambda x: ops.max(x, (1, 2), keepdims=True) + x, lambda x: ops.max(x, (2, 3), keepdims=True) + x),
    "largest of rows": (lambda x: ops.max(x, 1)[:, None] + x, lambda x: ops.max(x, 2)[:, :, None] + x),
    "cut and padded": (
        lambda x: ops.pad(x[:, 2:, ::2], [[0, 0], [0, 0], [1, 0], [0, 0]]),
        lambda x: ops.pad(x[:, :, 2:, ::2], [[0, 0], [0, 0], [0, 0], [1, 0]]),
    ),
    "channels shuffled": (
        lambda x: ops.reshape(ops.transpose(ops.reshape(x, (-1, 10, 8, 2, 3)), (0, 1, 2, 4, 3)), (-1, 10, 8, 6)),
        lambda x: ops.reshape(ops.transpose(ops.reshape(x, (-1, 2, 3, 10, 8)), (0, 2, 1, 3, 4)), (-1, 6, 10, 8)),
    ),
    "max pool": (lambda x: ops.max_pool(x, 2), lambda x: ops.max_pool(x, 2, data_format="channels_first")),
    "average pool": (lambda x: ops.average_pool(x, 2), lambda x: ops.average_pool(x, 2, data_format="channels_first")),
    "a number for each map": (lambda x: x * np.arange(6.0, dtype="float32"), lambda x: x * np.arange(6.0, dtype="float32")[:, None, None]),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_channels_first_equals_channels_last(kind, eagerly):
    def net(layout, middle, shape):
        keras.utils.set_random_seed(3)
        image = keras.Input(shape)
        maps = middle(layers.Conv2D(6, 3, data_format=layout)(image))
        return Deconvnet(keras.Model(image, layers.Conv2D(4, 3, data_format=layout, name="top")(maps)))

    last, first = LAYOUTS[kind]
    last, first = net("channels_last", last, SIZE), net("channels_first", first, (3, 12, 10))
    assert receptive_field(first, "top") == receptive_field(last, "top")
    expected = last.project(IMAGES, "top", 1).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(first.project(IMAGES.transpose(0, 3, 1, 2), "top", 1), expected, atol=1e-5 * np.abs(expected).max())


def test_operations_in_the_other_layout_are_refused_where_it_matters():
    image = keras.Input((3, 12, 10))
    maps = layers.Conv2D(6, 3, data_format="channels_first")(image)
    with pytest.raises(ValueError, match="channels_last in a channels_first model"):
        Deconvnet(keras.Model(image, ops.max_pool(maps, 2)))


def test_a_grey_image_becomes_three_maps(equals_autodiff):
    image = keras.Input((10, 8, 1))
    maps = layers.Conv2D(4, 3, activation="relu", name="top")(image - np.array([103, 116, 123], "float32"))
    equals_autodiff(keras.Model(image, maps), np.random.default_rng(0).uniform(0, 255, (2, 10, 8, 1)).astype("float32"), ["top"])
