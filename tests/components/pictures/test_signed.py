import numpy as np

from zfnet.components.pictures.signed import signed_scale, signed_to_rgb


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
