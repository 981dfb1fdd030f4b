import keras
import numpy as np
import pytest

import zfnet
from zfnet.model.deconvnet.targets import Targets
from zfnet.model.measures.projection_check import check_projection, field_boxes, hide_marked, pixel_strengths

SIZE = 24


def net(layout="channels_last"):
    keras.utils.set_random_seed(2)
    layers, shape = keras.layers, (3, SIZE, SIZE) if layout == "channels_first" else (SIZE, SIZE, 3)
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(6, 5, strides=2, activation="relu", data_format=layout, name="conv1"),
            layers.Conv2D(5, 3, activation="relu", data_format=layout, name="conv2"),
            layers.Flatten(data_format=layout),
            layers.Dense(3, name="classes"),
        ]
    )


@pytest.fixture(scope="module")
def deconvnet():
    return zfnet.Deconvnet(net())


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype("float32")


def test_the_marked_pixels_by_hand(deconvnet, images):
    """The same by plain Keras and numpy: the window of the unit, its strongest tenth, the mean, and the net once more."""
    maps = keras.Model(deconvnet.model.inputs[0], deconvnet.model.get_layer("conv2").output)
    units, mean = [0, 3, 4], images.mean(axis=(0, 1, 2))
    found = check_projection(deconvnet, images, "conv2", units)
    before = np.asarray(maps(images))
    for number, (image, unit) in enumerate(zip(images, units, strict=True)):
        row, column = np.unravel_index(before[number, ..., unit].argmax(), before.shape[1:3])
        projection = deconvnet.project(image[None], "conv2", unit, (row, column))[0]
        window = slice(2 * row, 2 * row + 9), slice(2 * column, 2 * column + 9)  # 5 + 2 * (3 - 1) pixels, at steps of 2.
        strength = np.abs(projection[window]).sum(-1)
        marked = strength >= np.sort(strength.ravel())[-8]  # 8 of 81 pixels are a tenth.
        assert marked.sum() == 8
        hidden = image.copy()
        hidden[window][marked] = mean
        after = np.asarray(maps(hidden[None]))[0, row, column, unit]
        np.testing.assert_allclose(found.fall[number], 1 - after / before[number, row, column, unit], rtol=1e-4)


def test_as_many_others_of_the_field_are_hidden(deconvnet, images, monkeypatch):
    seen = []
    activations = deconvnet.activations
    maps = np.asarray(activations(images[:1], ["conv2"])[0])[0]
    row, column, unit = (int(number) for number in np.unravel_index(maps.argmax(), maps.shape))

    def watched(shown, layers):
        seen.append(np.asarray(shown))
        return activations(shown, layers)

    monkeypatch.setattr(deconvnet, "activations", watched)
    found = check_projection(deconvnet, images[:1], "conv2", unit, (row, column), fill=[-9, -9, -9], share=0.2, draws=3)
    hidden = (np.concatenate(seen) == -9).all(-1)
    assert hidden.sum(axis=(1, 2)).tolist() == [16] * 4
    inside = np.zeros((SIZE, SIZE), bool)
    inside[2 * row : 2 * row + 9, 2 * column : 2 * column + 9] = True
    assert not hidden[:, ~inside].any()
    assert not (hidden[0] & hidden[1:]).any()
    assert len({mask.tobytes() for mask in hidden}) == 4
    after = np.asarray(activations(np.where(hidden[..., None], -9, images[:1]), ["conv2"])[0])[:, row, column, unit]
    np.testing.assert_allclose(found.fall_elsewhere, [(1 - after[1:] / maps.max()).mean()], rtol=1e-4)


def test_a_unit_that_sees_one_place_needs_no_other():
    """A filter that is 0 but in the middle: its projection marks one pixel, whose mean leaves nothing, and no other matters."""
    model = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Conv2D(1, 5, use_bias=False, activation="relu", name="dot")])
    kernel = np.zeros((5, 5, 3, 1), "float32")
    kernel[2, 2] = 1
    model.set_weights([kernel])
    images = np.random.default_rng(1).uniform(50, 200, (2, 9, 9, 3))
    found = check_projection(zfnet.Deconvnet(model), images, "dot", 0, (1, 1), fill=np.zeros(3))
    np.testing.assert_allclose(found.fall, 1)
    # One of 25 pixels is marked, so one other is hidden.
    np.testing.assert_allclose(found.fall_elsewhere, 0, atol=1e-6)


def test_the_same_with_channels_first(deconvnet, images):
    first = zfnet.Deconvnet(net("channels_first"))
    kernels = [each.get_weights() for each in deconvnet.model.layers]
    for layer, weights in zip(first.model.layers[:2], kernels, strict=False):
        layer.set_weights(weights)
    for layer in ("conv1", "conv2"):
        one = check_projection(deconvnet, images, layer, 2)
        other = check_projection(first, images.transpose(0, 3, 1, 2), layer, 2)
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_it_is_the_same_each_time_and_beside_others(deconvnet, images):
    unit = int(np.asarray(deconvnet.activations(images[2:], ["conv2"])[0]).max(axis=(0, 1, 2)).argmax())
    together = check_projection(deconvnet, images, "conv2", [1, 2, unit], fill=np.full(3, 99.0))
    alone = check_projection(deconvnet, images[2:], "conv2", unit, fill=np.full(3, 99.0))
    np.testing.assert_allclose([each[2] for each in together], [each[0] for each in alone], rtol=1e-4)
    other = check_projection(deconvnet, images[2:], "conv2", unit, fill=np.full(3, 99.0), seed=1)
    assert alone.fall == pytest.approx(other.fall)
    assert alone.fall_elsewhere != other.fall_elsewhere


def test_fields_at_the_border_and_dense_units(images):
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(2, 5, padding="same", name="same"), keras.layers.Flatten()])
    model.add(keras.layers.Dense(2, name="top"))
    deconvnet = zfnet.Deconvnet(model)
    boxes = field_boxes(deconvnet, images, "same", np.array([[0, 0], [10, 12], [23, 1]]))
    assert boxes.tolist() == [[0, 0, 3, 3], [8, 10, 13, 15], [21, 0, 24, 4]]
    assert field_boxes(deconvnet, images, "top", np.zeros((1, 0), int)).tolist() == [[0, 0, SIZE, SIZE]]


def test_a_size_that_the_model_leaves_open(images):
    """The padding of strides depends on the size."""
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 5, strides=2, padding="same", name="same")])
    assert field_boxes(zfnet.Deconvnet(model), images, "same", np.array([[0, 0], [1, 2]])).tolist() == [[0, 0, 4, 4], [1, 3, 6, 8]]


def test_what_is_not_defined_is_nan(deconvnet, images):
    targets = Targets(np.array([0, 1]), np.array([0, 0]), np.array([[1, 1], [1, 1]]), np.array([0.0, 2.0], "float32"))
    strengths = np.stack([pixel_strengths(images[0]), np.zeros((SIZE, SIZE), "float32")])
    found = hide_marked(deconvnet, images, "conv2", targets, strengths, np.zeros(3))
    assert np.isnan(found).all()


def test_errors(deconvnet, images):
    with pytest.raises(ValueError, match=r"share is 0.6 and draws is 4; expected a share above 0, at most 0.5"):
        check_projection(deconvnet, images, "conv2", 0, share=0.6)
    with pytest.raises(ValueError, match="There is no unit 9 in layer 'conv2'"):
        check_projection(deconvnet, images, "conv2", 9)
    signals = keras.Sequential([keras.Input((30, 1)), keras.layers.Conv1D(2, 5, activation="relu", name="conv"), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="does not take one batch of images: the check hides pixels of images"):
        check_projection(zfnet.Deconvnet(signals), np.ones((2, 30, 1)), "conv", 0)
