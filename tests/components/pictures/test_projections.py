import keras
import numpy as np

from zfnet.components.pictures.projections import project_to_patches
from zfnet.components.pictures.signed import signed_to_rgb
from zfnet.model import Deconvnet, build


def make(height, width, count):
    keras.utils.set_random_seed(0)
    deconvnet = Deconvnet(build("zfnet-small", (height, width, 3), 4))
    photographs = np.random.default_rng(0).uniform(0, 255, (count, height, width, 3)).astype("float32")
    return deconvnet, photographs


def test_patch_and_projection_show_the_same_window():
    deconvnet, photographs = make(96, 80, 40)
    units, positions = np.arange(40), np.tile([(2, 3), (0, 0)], (20, 1))
    projections, patches = project_to_patches(deconvnet, photographs - 128, photographs, "conv2", units, positions)
    assert {picture.shape for picture in projections + patches} == {(27, 27, 3)}
    # conv2 has stride 8 and begins one pixel outside: position (2, 3) sees rows 15 to 41 and columns 23 to 49.
    np.testing.assert_array_equal(patches[38], np.rint(photographs[38, 15:42, 23:50]))
    assert np.all(patches[39][0] == 128)
    np.testing.assert_array_equal(patches[39][1:, 1:], np.rint(photographs[39, :26, :26]))
    alone, _ = deconvnet.project_patches(photographs[38:39] - 128, "conv2", 38, (2, 3))
    np.testing.assert_allclose(projections[38].astype(int), signed_to_rgb(alone)[0].astype(int), atol=1)


def test_whole_image_where_the_receptive_field_is_larger():
    deconvnet, photographs = make(96, 80, 2)
    projections, patches = project_to_patches(deconvnet, photographs - 128, photographs, "conv5", np.array([1, 2]), np.zeros((2, 2), int))
    assert {picture.shape for picture in projections + patches} == {(96, 80, 3)}
