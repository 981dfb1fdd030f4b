import numpy as np

from zfnet.components.pictures.image_input import ImageInput
from zfnet.components.pictures.projected_pictures import projected_pictures
from zfnet.components.pictures.signed import signed_scale, signed_to_rgb
from zfnet.model.deconvnet.project_strongest import ProjectedStrongest


def part(projections, patches, corners):
    count = len(corners)
    return ProjectedStrongest("conv", np.arange(count), np.zeros(count, int), projections, patches, np.array(corners))


def test_projections_are_signed_and_patches_as_they_are():
    rng = np.random.default_rng(0)
    projections = rng.normal(size=(3, 5, 7, 3))
    patches = rng.uniform(0, 255, (3, 5, 7, 3))
    pictures = projected_pictures(part(projections, patches, [(0, 4), (3, 0), (7, 9)]), ImageInput(12, 16, False))
    np.testing.assert_array_equal(pictures.patches, np.rint(patches))
    np.testing.assert_array_equal(pictures.scales, signed_scale(projections))
    np.testing.assert_array_equal(pictures.projections, signed_to_rgb(projections))
    assert {array.dtype for array in pictures[:2]} == {np.dtype(np.uint8)}


def test_channels_may_come_first():
    rng = np.random.default_rng(0)
    projections, patches = rng.normal(size=(2, 5, 7, 3)), rng.uniform(0, 255, (2, 5, 7, 3))
    last = projected_pictures(part(projections, patches, [(1, 0), (0, 0)]), ImageInput(12, 16, False))
    moved = part(np.moveaxis(projections, 3, 1), np.moveaxis(patches, 3, 1), [(1, 0), (0, 0)])
    for one, other in zip(projected_pictures(moved, ImageInput(12, 16, True)), last, strict=True):
        np.testing.assert_array_equal(one, other)


def test_values_beyond_rgb_are_clipped():
    patches = np.full((1, 2, 2, 3), 255.6)
    patches[0, 0] = -0.7
    pictures = projected_pictures(part(np.zeros((1, 2, 2, 3)), patches, [(0, 0)]), ImageInput(2, 2, False))
    np.testing.assert_array_equal(pictures.patches[0], np.array([[[0] * 3] * 2, [[255] * 3] * 2]))
