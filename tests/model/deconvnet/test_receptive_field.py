import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import ZFNet, build, receptive_field


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
