import keras
import numpy as np
import pytest

from zfnet.components.pictures.project_images import project_images
from zfnet.components.pictures.signed import signed_to_rgb
from zfnet.model import Deconvnet, build


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


@pytest.mark.parametrize(("activation", "what"), [("linear", "Layer 'conv' has activations"), ("relu", "Projections of layer 'conv' are")])
def test_weights_that_are_not_numbers(images, activation, what):
    # TensorFlow's ReLU turns NaN into 0, so that only the projections tell.
    model = keras.Sequential([keras.Input((96, 80, 3)), keras.layers.Conv2D(2, 7, activation=activation, name="conv")])
    model.set_weights([np.full((7, 7, 3, 2), np.nan), np.zeros(2)])
    with pytest.raises(ValueError, match=f"{what} .*not .*numbers"):
        project_images(Deconvnet(model), images[:2], "conv")
