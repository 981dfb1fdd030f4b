import json

import numpy as np
import pytest

import zfnet
from zfnet.components.figures.methods import CAPTIONS
from zfnet.components.pictures.project_images import TILE
from zfnet.components.pictures.projected_activation import signed_to_rgb
from zfnet.components.pictures.sheet import GAP, HEADING, resize_tile
from zfnet.model.measures.projection_check import check_projection
from zfnet.model.methods.gradients import activation_gradients
from zfnet.model.methods.maximization import maximize_activation


@pytest.fixture(scope="module")
def deconvnet(gratings_net):
    return gratings_net()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype("uint8")


@pytest.fixture(scope="module")
def figure(deconvnet, image):
    return zfnet.methods(deconvnet.model, image, "conv2", 3, steps=5, seed=4)


def tile(figure, place):
    top, left = 6 * GAP + 2 * HEADING, 6 * GAP + place * (TILE + GAP)
    return figure.pictures["methods"][top : top + TILE, left : left + TILE].astype(int)


def test_the_tiles_are_those_of_the_methods(figure, deconvnet, image):
    given, position = image[None].astype("float32"), tuple(figure.numbers["position"])
    (top, left), size = figure.numbers["corner"], zfnet.receptive_field(deconvnet, "conv2").size
    window = slice(top, top + size[0]), slice(left, left + size[1])
    np.testing.assert_allclose(tile(figure, 1), resize_tile(image[window], TILE), atol=1)
    expected = [
        deconvnet.project(given, "conv2", 3, position),
        activation_gradients(deconvnet, given, "conv2", 3, position),
        activation_gradients(deconvnet, given, "conv2", 3, position, guided=True),
    ]
    for place, pixels in enumerate(expected, 2):
        picture = signed_to_rgb(pixels[0][window][None])[0]
        np.testing.assert_allclose(tile(figure, place), resize_tile(picture, TILE), atol=4)
    made = maximize_activation(deconvnet, "conv2", 3, position, size=(40, 56), steps=5, seed=4)
    np.testing.assert_allclose(tile(figure, 5), resize_tile(np.rint(made.image[window]).astype(np.uint8), TILE), atol=4)
    assert figure.numbers["maximized"] == pytest.approx(made.activation, rel=1e-3)


def test_every_method_is_checked_in_the_same_way(figure, deconvnet, image):
    expected = check_projection(deconvnet, image[None], "conv2", 3, fill=np.full(3, 128.0))
    assert figure.numbers["checks"]["deconvnet"]["fall"] == pytest.approx(expected.fall[0], abs=2e-3)
    assert list(figure.numbers["checks"]) == ["deconvnet", "gradient", "guided backpropagation"]
    assert all(-1 < value <= 1 for check in figure.numbers["checks"].values() for value in check.values())
    json.dumps(figure.numbers, allow_nan=False)


def test_a_unit_that_sees_all_has_no_patch(deconvnet, image):
    figure = zfnet.methods(deconvnet.model, image, "classes", labels=["a", "b", "c"], steps=1)
    height, width, _ = figure.pictures["methods"].shape
    assert width == 12 * GAP + 5 * (TILE + GAP) - GAP
    assert figure.numbers["position"] == []
    assert height > TILE + 2 * HEADING


def test_every_method_is_explained():
    assert all(text.endswith(".") and len(text) < 125 for text in CAPTIONS.values())


def test_several_images(deconvnet, image):
    with pytest.raises(ValueError, match="There are 2 images; expected one"):
        zfnet.methods(deconvnet.model, np.stack([image, image]), "conv2")
