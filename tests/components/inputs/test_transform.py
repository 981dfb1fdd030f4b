import numpy as np
import pytest
from scipy import ndimage

from zfnet.components.inputs.transform import Transformation, paper_families, transform

SIZE, CORNER = (20, 30), (6, 3)


@pytest.fixture
def photographs():
    noise = np.random.default_rng(0).uniform(0, 255, (2, 34, 37, 3))
    return ndimage.gaussian_filter(noise, (0, 1.5, 1.5, 0)).astype(np.float32)


def test_the_identity_is_the_window_bit_for_bit(photographs):
    window = photographs[:, 6:26, 3:33]
    for identity in (Transformation(), Transformation(angle=360), Transformation(0, 1, -720)):
        made = transform(photographs, CORNER, SIZE, identity)
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made, window)


@pytest.mark.parametrize("shift", [-9, -8, 3, 6, 9])
def test_translation_downwards_shows_the_photograph_and_then_its_border(photographs, shift):
    made = transform(photographs, CORNER, SIZE, Transformation(shift))
    padded = np.pad(photographs, ((0, 0), (10, 10), (0, 0), (0, 0)), mode="edge")
    np.testing.assert_array_equal(made, padded[:, 16 - shift : 36 - shift, 3:33])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_are_those_of_numpy(photographs, quarters):
    made = transform(photographs, (5, 4), (24, 24), Transformation(angle=90 * quarters))
    np.testing.assert_allclose(made, np.rot90(photographs[:, 5:29, 4:28], quarters, axes=(1, 2)), atol=1e-3)


def test_quarter_turn_of_a_window_that_is_not_square(photographs):
    made = transform(photographs, CORNER, SIZE, Transformation(angle=90))
    # The middle of the photograph that falls into the window, 20 wide and 30 high before it is turned.
    np.testing.assert_allclose(made, np.rot90(photographs[:, 1:31, 8:28], 1, axes=(1, 2)), atol=1e-3)


@pytest.mark.parametrize("transformation", [Transformation(angle=25), Transformation(scale=1.6), Transformation(3, 1.2, 340)], ids=str)
def test_against_the_splines_of_scipy(photographs, transformation):
    made = transform(photographs, CORNER, SIZE, transformation)
    shift, scale, angle = transformation
    rows, columns = np.meshgrid(np.arange(20) - 9.5 - shift, np.arange(30) - 14.5, indexing="ij")
    # Upwards is -row: complex numbers turn counterclockwise there; back to where a pixel came from is clockwise.
    source = (columns - 1j * rows) * np.exp(-1j * np.radians(angle)) / scale
    places = [-source.imag + 9.5 + 6, source.real + 14.5 + 3]
    inside = (places[0] > 2) & (places[0] < 31) & (places[1] > 2) & (places[1] < 34)
    assert inside.mean() > 0.5
    for image, photograph in zip(made, photographs, strict=True):
        for channel in range(3):
            expected = ndimage.map_coordinates(photograph[..., channel], places, order=3)
            np.testing.assert_allclose(image[..., channel][inside], expected[inside], atol=2)


def test_the_scale_is_about_the_centre():
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[None, :, None, None], (1, 40, 40, 3))
    made = transform(ramp, (10, 10), (20, 20), Transformation(scale=2))
    np.testing.assert_allclose(made[0, :, 0, 0], 19.5 + (np.arange(20) - 9.5) / 2, atol=1e-4)


@pytest.mark.parametrize("transformation", [Transformation(angle=45), Transformation(15, 1.1), Transformation(15)], ids=str)
def test_beyond_the_photograph_its_border_is_repeated(transformation):
    grey = np.full((1, 24, 30, 3), 90, np.uint8)
    np.testing.assert_allclose(transform(grey, (2, 1), (20, 28), transformation), 90, atol=1e-4)
    grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1] = 200, 200, 200, 200
    made = transform(grey, (2, 1), (20, 28), transformation)
    assert (made > 190).sum() > 3 * 28


def test_no_values_outside_of_those_of_the_photograph():
    black_and_white = (np.indices((1, 30, 30, 3)).sum(axis=0) // 4 % 2 * 255).astype(np.uint8)
    made = transform(black_and_white, (5, 5), (20, 20), Transformation(angle=33))
    assert (made.min(), made.max()) == (0, 255)


def test_families_of_the_paper_and_of_a_small_net():
    shift, scale, angle = paper_families(224)
    assert (shift.values[0], shift.values[-1], len(shift.values)) == (-60, 60, 41)
    assert (scale.values[0], scale.values[-1]) == (1, 1.8)
    assert angle.values.tolist() == list(range(0, 360, 10))
    assert paper_families(28)[0].values.tolist() == list(range(-8, 9))
    assert paper_families(224)[0].transformations()[0] == Transformation(shift=-60)
    assert all(Transformation() in family.transformations() for family in paper_families(97))


@pytest.mark.parametrize("wrong", [Transformation(scale=0.9), Transformation(shift=0.5), Transformation(scale=float("nan"))], ids=str)
def test_what_would_alias_or_blur_is_refused(photographs, wrong):
    with pytest.raises(ValueError, match="expected whole pixels, and a scale of at least 1"):
        transform(photographs, CORNER, SIZE, wrong)
