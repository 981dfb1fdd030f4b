import keras
import numpy as np
import pytest

from zfnet.components.pictures.project_images import BATCH, FRAME, TILE, images_layer_check, project_images, projection_grid
from zfnet.components.pictures.projected_activation import (
    ProjectedActivation,
    signed_to_rgb,
)
from zfnet.components.pictures.projection_checks import WRITTEN, bars_note
from zfnet.components.pictures.sheet import GAP, with_note
from zfnet.model import Deconvnet, build
from zfnet.model.measures.projection_check import check_projection
from zfnet.model.measures.shuffled_weights import check_layers

GREY = np.full((96, 48, 3), 90, np.uint8)
BLUE = (0, 0, 255)


@pytest.fixture(scope="module")
def deconvnet():
    keras.utils.set_random_seed(3)
    return Deconvnet(build("zfnet-small", (96, 80, 3), 4))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (19, 96, 80, 3)).astype("uint8")


def test_strongest_unit_of_each_image(deconvnet, images):
    maps = deconvnet.activations(images.astype("float32"), ["conv2"])[0].numpy()
    found = project_images(deconvnet, images, "conv2")
    expected = [np.unravel_index(one.argmax(), one.shape) for one in maps]
    assert [(*each.position, each.unit) for each in found] == expected
    np.testing.assert_allclose([each.activation for each in found], maps.max(axis=(1, 2, 3)), rtol=1e-5)
    assert len({each.unit for each in found}) > 1


def test_one_unit_of_every_image(deconvnet, images):
    maps = deconvnet.activations(images.astype("float32"), ["conv2"])[0].numpy()[..., 5]
    found = project_images(deconvnet, images, "conv2", 5)
    assert [each.position for each in found] == [np.unravel_index(one.argmax(), one.shape) for one in maps]
    assert {each.unit for each in found} == {5}
    projections = deconvnet.project(images.astype("float32"), "conv2", 5)
    for place in (0, 18):
        (top, left), (row, column) = found[place].corner, found[place].position
        assert (top, left) == (min(max(8 * row - 1, 0), 96 - 27), min(max(8 * column - 1, 0), 80 - 27))
        window = slice(top, top + 27), slice(left, left + 27)
        expected = signed_to_rgb(projections[place][window][None])[0]
        np.testing.assert_allclose(found[place].projection.astype(int), expected.astype(int), atol=1)
        np.testing.assert_array_equal(found[place].patch, images[place][window])


def test_images_of_all_batches_keep_their_place(deconvnet, images):
    assert len(images) > BATCH
    together = project_images(deconvnet, images, "conv2", 5)
    assert [each.example for each in together] == list(range(len(images)))
    (alone,) = project_images(deconvnet, images[17:18], "conv2", 5)
    assert alone.numbers("position", "corner") == together[17].numbers("position", "corner")
    np.testing.assert_allclose(alone.projection.astype(int), together[17].projection.astype(int), atol=1)


def test_dense_units_see_the_whole_image(deconvnet, images):
    found = project_images(deconvnet, images[:2], "predictions")
    logits = deconvnet.activations(images[:2].astype("float32"), ["predictions"])[0].numpy()
    assert [each.unit for each in found] == logits.argmax(axis=1).tolist()
    for each, image in zip(found, images, strict=False):
        assert (each.position, each.corner) == ((), (0, 0))
        np.testing.assert_array_equal(each.patch, image)


def test_what_is_not_there(deconvnet, images):
    with pytest.raises(ValueError, match="no unit 128 in layer 'conv2'; it has units 0 to 127"):
        project_images(deconvnet, images[:1], "conv2", 128)
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        project_images(deconvnet, images[:1], "conv9")


@pytest.mark.parametrize(
    ("activation", "what"), [("linear", "Layer 'conv' has activations"), ("relu", "The projection of unit 0 of layer 'conv' is")]
)
def test_weights_that_are_not_numbers(images, activation, what):
    # TensorFlow's ReLU turns NaN into 0, so that only the projections tell.
    model = keras.Sequential([keras.Input((96, 80, 3)), keras.layers.Conv2D(2, 7, activation=activation, name="conv")])
    model.set_weights([np.full((7, 7, 3, 2), np.nan), np.zeros(2)])
    with pytest.raises(ValueError, match=f"{what} .*not .*NaN"):
        project_images(Deconvnet(model), images[:2], "conv")


def found(height, width, corner=(0, 0)):
    picture = np.full((height, width, 3), BLUE, np.uint8)
    return ProjectedActivation("conv", 0, 0, 0, 1.0, (0, 0), corner, 1.0, picture, picture)


def frame(picture):
    rows, columns = np.nonzero(np.all(picture == FRAME, axis=-1))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_window_is_framed_in_the_image():
    picture = projection_grid(GREY[None], [found(24, 12, corner=(48, 24))], [""])
    top, left = (np.flatnonzero(np.any(picture != 255, axis=(2, axis)))[0] for axis in (1, 0))
    assert left == 6 * GAP + TILE // 4  # The image is half as wide as high.
    scale = TILE / 96
    expected = top + 48 * scale, top + 72 * scale - 1, left + 24 * scale, left + 36 * scale - 1
    np.testing.assert_allclose(frame(picture), expected, atol=1)
    assert np.all(picture == BLUE, axis=-1).sum() == 2 * TILE * TILE // 2


def test_frame_of_a_window_in_the_corner_of_the_image():
    picture = projection_grid(GREY[None], [found(30, 30, corner=(66, 18))], [""])
    right, bottom = 6 * GAP + TILE * 3 // 4, 6 * GAP + 18 + TILE
    rows = frame(picture)
    np.testing.assert_allclose(rows, (bottom - 70, bottom - 1, right - 70, right - 1), atol=1)
    assert (rows[1] < bottom, rows[3] < right) == (True, True)
    assert np.all(picture[rows[1], rows[2] : rows[3] + 1] == FRAME)


@pytest.mark.parametrize("corner", [(0, 0), (797, 397), (0, 100), (397, 0)])
def test_window_of_less_than_a_pixel_of_the_tile(corner):
    image = np.full((800, 400, 3), 90, np.uint8)
    assert projection_grid(image[None], [found(3, 3, corner)], [""]).shape[1] == 3 * (TILE + GAP) - GAP + 12 * GAP


def test_whole_image_needs_no_frame():
    picture = projection_grid(GREY[None], [found(96, 48)], ["cat"])
    assert picture.shape[1] == 2 * TILE + GAP + 12 * GAP
    assert not np.any(np.all(picture == FRAME, axis=-1))


def test_many_images_make_a_sheet():
    picture = projection_grid(np.stack([GREY] * 7), [found(96, 48)] * 7, ["cat"] * 7)
    assert picture.shape[1] == 2 * (2 * TILE + GAP + 6 * GAP) + 6 * GAP


def test_images_with_their_checks(deconvnet, images):
    fill = np.full(3, 128.0)
    found = project_images(deconvnet, images[:2], "conv2", 5, fill)
    expected = check_projection(deconvnet, images[:2].astype("float32"), "conv2", 5, fill=fill)
    np.testing.assert_allclose([each.check["fall"] for each in found], expected.fall, atol=2e-3)
    layers = images_layer_check(deconvnet, images[:2], found)
    assert layers.layers == ["conv1", "conv2"]
    np.testing.assert_allclose(layers.above, check_layers(deconvnet, images[:2].astype("float32"), "conv2", 5).above, atol=1e-3)
    plain = projection_grid(images[:2], [each._replace(check=None) for each in found], ["", ""])
    drawn = projection_grid(images[:2], found, ["", ""])
    with_bars = plain.shape[0] + 2 * (2 * WRITTEN + 1)
    assert drawn.shape == with_note(np.empty((with_bars, plain.shape[1], 3), np.uint8), bars_note()).shape
    assert np.sum(drawn[with_bars:] < 128) > 1000  # The note has letters.
