import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import ZFNet, build, receptive_field
from zfnet.model.deconvnet.receptive_field import cut_window, move_inside


@pytest.mark.parametrize(
    ("layer", "size", "stride"), [("conv1", 7, 2), ("conv2", 27, 8), ("conv3", 75, 16), ("conv4", 107, 16), ("conv5", 139, 16)]
)
def test_zfnet_has_the_papers(layer, size, stride):
    field = receptive_field(ZFNet(include_top=False), layer)
    assert (field.size, field.stride) == ((size, size), (stride, stride))


@pytest.mark.parametrize("name", ["zfnet-small", "alexnet-small"])
@pytest.mark.parametrize("layer", ["conv1", "pool1", "conv2", "conv3"])
def test_a_bright_pixel_is_seen_inside_the_window_and_not_outside(name, layer):
    # All weights alike, so that no pixel of the window can be without influence; and small, since the contrast
    # normalisation turns very large activations into small ones.
    model = build(name, (160, 144, 3), 4, include_top=False)
    for weights in model.trainable_weights:
        weights.assign(tf.fill(weights.shape, 1e-3))
    features = keras.Model(model.input, model.get_layer(layer).output)
    field = receptive_field(model, layer)
    height, width = features.output.shape[1:3]
    for place in ((height // 2, width // 2), (0, width - 1), (height - 1, 0)):
        top, left = (field.offset[axis] + place[axis] * field.stride[axis] for axis in range(2))
        bottom, right = top + field.size[0] - 1, left + field.size[1] - 1
        row, column = (max(top, 0) + min(bottom, 159)) // 2, (max(left, 0) + min(right, 143)) // 2
        pixels = [(top, column), (bottom, column), (row, left), (row, right)]
        pixels += [(top - 1, column), (bottom + 1, column), (row, left - 1), (row, right + 1)]
        images = np.ones((9, 160, 144, 3), "float32")
        inside = [0 <= y < 160 and 0 <= x < 144 for y, x in pixels]
        for image, (y, x), exists in zip(images[1:], pixels, inside, strict=True):
            if exists:
                image[y, x] = 1000
        units = features(images)[:, place[0], place[1], 0].numpy()
        seen = np.abs(units[1:] / units[0] - 1) > 1e-4
        assert seen.tolist() == [exists and number < 4 for number, exists in enumerate(inside)]


def test_dense_units_see_the_whole_image():
    field = receptive_field(build("zfnet-small", (96, 80, 3), 4), "fc6")
    assert field == ((96, 80), (0, 0), (0, 0))


def test_branches_see_what_either_sees():
    image = keras.Input((20, 16, 3))
    narrow = keras.layers.Conv2D(2, 3, padding="same", name="narrow")(image)
    wide = keras.layers.Conv2D(2, 3, padding="same", dilation_rate=2, name="wide")(image)
    model = keras.Model(image, keras.layers.Add(name="sum")([narrow, wide]))
    assert receptive_field(model, "sum") == ((5, 5), (1, 1), (-2, -2))


def test_upsampling_has_no_single_field():
    model = keras.Sequential([keras.Input((6, 4, 3)), keras.layers.UpSampling2D(name="up")])
    with pytest.raises(ValueError, match="'up' is of type UpSampling2D"):
        receptive_field(model, "up")


def test_the_whole_of_an_image_of_open_size_has_no_size():
    inputs = keras.Input((None, None, 3))
    signal = keras.layers.GlobalAveragePooling2D(name="pooled")(keras.layers.Conv2D(4, 3, name="conv")(inputs))
    model = keras.Model(inputs, signal)
    assert receptive_field(model, "conv").size == (3, 3)
    with pytest.raises(ValueError, match="'pooled' see the whole image, whose size the model leaves open"):
        receptive_field(model, "pooled")


def test_window_is_padded_where_it_leaves_the_image():
    image = np.arange(1, 13, dtype="float32").reshape(3, 4, 1)
    assert cut_window(image, np.array([-1, 2]), (3, 3))[..., 0].tolist() == [[0, 0, 0], [3, 4, 0], [7, 8, 0]]


@pytest.mark.parametrize("size", [(3, 3), (1, 2), (6, 5), (9, 3), (2, 11), (9, 11)])
def test_a_window_that_is_moved_inside_shows_the_same_at_the_same_place(size):
    image = np.random.default_rng(0).normal(size=(6, 5, 2))
    corners = np.array([(row, column) for row in range(-9, 7) for column in range(-11, 6)])
    seen = np.zeros((len(corners), *image.shape))  # The image with nothing outside of the window.
    for frame, (row, column) in zip(seen, corners, strict=True):
        part = slice(max(row, 0), max(row + size[0], 0)), slice(max(column, 0), max(column + size[1], 0))
        frame[part] = image[part]
    windows = np.stack([cut_window(image, corner, size) for corner in corners])
    moved, inside = move_inside(windows, corners, (6, 5))
    height, width = min(size[0], 6), min(size[1], 5)
    assert moved.shape[1:] == (height, width, 2)
    assert inside.min() >= 0
    assert np.add(inside, moved.shape[1:3]).max(axis=0).tolist() == [6, 5]
    for frame, window, (row, column) in zip(seen, moved, inside, strict=True):
        np.testing.assert_array_equal(window, frame[row : row + height, column : column + width])
    # No further than it has to.
    stays = np.all((corners >= 0) & (corners + size <= (6, 5)), axis=1)
    np.testing.assert_array_equal(inside[stays], corners[stays])


def test_no_windows_at_all():
    moved, inside = move_inside(np.zeros((0, 3, 9, 1), np.float32), np.zeros((0, 2), int), (8, 8))
    assert (moved.shape, moved.dtype, inside.shape) == ((0, 3, 8, 1), np.float32, (0, 2))


def test_vectors_have_no_receptive_field():
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(3, name="dense")])
    with pytest.raises(ValueError, match=r"input of the model has the shape \(7,\): it has no rows and columns"):
        receptive_field(model, "dense")
