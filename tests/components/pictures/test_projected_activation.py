import keras
import numpy as np
import pytest

from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.projected_activation import (
    project_activations,
    projected_activations,
    signed_scale,
    signed_to_rgb,
)
from zfnet.model import Deconvnet, build, strongest_activations
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.projection_check import check_projection


@pytest.fixture(scope="module")
def deconvnet():
    keras.utils.set_random_seed(3)
    return Deconvnet(build("zfnet-small", (96, 80, 3), 4))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (19, 96, 80, 3)).astype("uint8")


def part(projections, patches, corners):
    count = len(corners)
    return ProjectedStrongest("conv", np.arange(count), np.zeros(count, int), projections, patches, np.array(corners))


def drawn(part, image_input):
    count = len(part.units)
    strongest = Strongest(np.arange(count)[:, None] + 0.5, np.arange(count)[:, None], np.zeros((count, 1, 2), int))
    return list(projected_activations([part], {"conv": strongest}, image_input))


def test_projections_are_signed_and_patches_as_they_are():
    rng = np.random.default_rng(0)
    projections = rng.normal(size=(3, 5, 7, 3))
    patches = rng.uniform(0, 255, (3, 5, 7, 3))
    found = drawn(part(projections, patches, [(0, 4), (3, 0), (7, 9)]), ImageInput(12, 16, False))
    np.testing.assert_array_equal([each.patch for each in found], np.rint(patches))
    np.testing.assert_array_equal([each.scale for each in found], signed_scale(projections))
    np.testing.assert_array_equal([each.projection for each in found], signed_to_rgb(projections))
    assert {array.dtype for array in found[0][-3:-1]} == {np.dtype(np.uint8)}
    assert found[1].numbers("unit", "activation", "corner") == {"unit": 1, "activation": 1.5, "corner": [3, 0]}


def test_channels_may_come_first():
    rng = np.random.default_rng(0)
    projections, patches = rng.normal(size=(2, 5, 7, 3)), rng.uniform(0, 255, (2, 5, 7, 3))
    last = drawn(part(projections, patches, [(1, 0), (0, 0)]), ImageInput(12, 16, False))
    moved = part(np.moveaxis(projections, 3, 1), np.moveaxis(patches, 3, 1), [(1, 0), (0, 0)])
    for one, other in zip(drawn(moved, ImageInput(12, 16, True)), last, strict=True):
        assert one[:-3] == other[:-3]
        np.testing.assert_array_equal(one[-3:-1], other[-3:-1])


def test_values_beyond_rgb_are_clipped():
    patches = np.full((1, 2, 2, 3), 255.6)
    patches[0, 0] = -0.7
    (found,) = drawn(part(np.zeros((1, 2, 2, 3)), patches, [(0, 0)]), ImageInput(2, 2, False))
    np.testing.assert_array_equal(found.patch, np.array([[[0] * 3] * 2, [[255] * 3] * 2]))


def test_zero_is_grey_and_signs_are_kept():
    projections = np.zeros((2, 4, 6, 3), "float32")
    projections[0, 0, 0, 0], projections[0, 1, 1, 1] = 5, -5
    picture = signed_to_rgb(projections)
    assert picture[0, 0, 0].tolist() == [255, 128, 128]
    assert picture[0, 1, 1].tolist() == [128, 0, 128]
    assert np.all(picture[1] == 128)


def test_each_projection_has_its_own_scale():
    rng = np.random.default_rng(0)
    projections = rng.normal(size=(2, 40, 60, 3))
    projections[1] = projections[0] * 1000
    picture = signed_to_rgb(projections)
    np.testing.assert_array_equal(picture[0], picture[1])


def test_a_single_bright_pixel_does_not_grey_the_rest():
    projections = np.random.default_rng(0).normal(size=(1, 40, 60, 3))
    projections[0, 0, 0] = 1e6
    assert signed_to_rgb(projections).std() > 30


def test_scale_is_what_becomes_white():
    projections = np.random.default_rng(0).normal(size=(2, 40, 60, 3))
    scale = signed_scale(projections)
    np.testing.assert_allclose(np.mean(np.abs(projections[0]) > scale[0]), 0.002, rtol=0.1)
    half = np.full((2, 1, 1, 1), 0.5) * scale[:, None, None, None]
    assert signed_to_rgb(half, scale).ravel().tolist() == [192, 192]
    assert signed_scale(np.zeros((1, 4, 6, 3))).tolist() == [0]


def test_each_activation_has_its_check(deconvnet, images):
    """Batches in another order than the ranks, and examples that are in several of a unit's ranks."""
    fill, given = np.array([90.0, 100.0, 110.0]), images.astype("float32")[:7]
    batches = [(given[:4], np.arange(4)), (given[4:], np.arange(4, 7))]
    strongest = strongest_activations(deconvnet, batches, ["conv2", "fc6"], k=7)
    chosen = {"conv2": (np.array([5, 5, 9]), np.array([0, 6, 3])), "fc6": (np.array([11]), np.array([2]))}
    image_input = ImageInput(96, 80, False)
    found = list(project_activations(deconvnet, batches, strongest, chosen, image_input, fill))
    assert sorted((each.layer, each.unit, each.rank) for each in found) == [
        ("conv2", 5, 0),
        ("conv2", 5, 6),
        ("conv2", 9, 3),
        ("fc6", 11, 2),
    ]
    for each in found:
        image, position = given[each.example][None], each.position or None
        for share, numbers in ((0.1, each.check), (0.2, each.check["fifth"])):
            check = check_projection(deconvnet, image, each.layer, each.unit, position, share=share, fill=fill)
            # In another batch two pixels of the tenth may change places; then all other pixels are drawn anew.
            expected = [None if np.isnan(value[0]) else pytest.approx(value[0], abs=1e-2) for value in check]
            assert [numbers["fall"], numbers["fall_elsewhere"]] == expected
    unchecked = list(project_activations(deconvnet, batches, strongest, chosen, image_input))
    assert {each.check for each in unchecked} == {None}


def test_images_that_do_not_come_again_are_missed_by_checks_too(deconvnet, images):
    batches = [images.astype("float32")]
    found = strongest_activations(deconvnet, batches, ["conv2"], k=1)
    chosen = {"conv2": (np.arange(len(found["conv2"].values)), np.zeros(len(found["conv2"].values), int))}
    height, width = images.shape[1:3]
    projected = project_activations(
        deconvnet, [batches[0][:1]], found, chosen, ImageInput(height, width, False), fill=np.full((1, 1, 3), 128, "float32")
    )
    with pytest.raises(ValueError, match=r"images to project did not come: `batches` yielded 1 images"):
        list(projected)
