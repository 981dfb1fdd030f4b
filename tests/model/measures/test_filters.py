import numpy as np
import pytest

from zfnet.model import clip_filter_rms
from zfnet.model.measures.filters import aliased_energy, at_clip, energy_beyond, filter_rms, white_noise


def by_fourier(kernel, limits, size=512):
    """The same from a discrete Fourier transform, each axis padded to `size` positions."""
    power = np.square(np.abs(np.fft.fft2(kernel, s=(size, size), axes=(0, 1)))).sum(axis=2)
    rows, columns = (np.abs(np.fft.fftfreq(size)) for _ in range(2))
    # Frequencies on the limit belong to it by half, as a trapezium has it.
    weights = [np.where(np.isclose(each, limit), 0.5, each < limit) for each, limit in zip((rows, columns), limits, strict=True)]
    inside = np.einsum("i,ijf,j->f", weights[0], power, weights[1])
    return 1 - inside / power.sum(axis=(0, 1))


@pytest.mark.parametrize(("size", "strides"), [((11, 11), (4, 4)), ((7, 7), (2, 2)), ((5, 8), (2, 4))])
def test_equals_a_padded_fourier_transform(size, strides):
    kernel = np.random.default_rng(0).normal(size=(*size, 3, 6)) + np.linspace(0, 2, 6)
    expected = by_fourier(kernel, (0.5 / strides[0], 0.5 / strides[1]))
    np.testing.assert_allclose(aliased_energy(kernel.astype("float32"), strides), expected, atol=2e-4)


def test_equals_the_sum_written_out_by_hand():
    # Of two weights a and b side by side the squared spectrum is a^2 + b^2 + 2 a b cos(2 pi f), so that within |f| <= 1/4 (and any
    # vertical frequency) there is half of the first two terms, and 2 a b / pi of the third.
    a, b = 3.0, -1.0
    inside = (a * a + b * b) / 2 + 2 * a * b / np.pi
    kernel = np.array([a, b]).reshape(1, 2, 1, 1)
    np.testing.assert_allclose(energy_beyond(kernel, (0.5, 0.25)), 1 - inside / (a * a + b * b), rtol=1e-12)


def waves(frequency, side):
    """Gratings over three channels, horizontal and vertical."""
    x = np.cos(2 * np.pi * frequency * np.arange(side))
    x = np.hanning(side + 2)[1:-1] * x
    y = np.hanning(side + 2)[1:-1]
    return np.stack([np.outer(y, x), np.outer(x, y)], axis=2)[:, :, None].repeat(3, axis=2)


@pytest.mark.parametrize(("frequency", "beyond_4", "beyond_2"), [(0, 0, 0), (0.06, 0, 0), (0.18, 1, 0), (0.35, 1, 1)])
def test_a_wave_of_known_frequency(frequency, beyond_4, beyond_2):
    kernel = waves(frequency, 41)
    np.testing.assert_allclose(aliased_energy(kernel, (4, 4)), beyond_4, atol=0.01)
    np.testing.assert_allclose(aliased_energy(kernel, (2, 2)), beyond_2, atol=0.01)


def test_the_same_pattern_aliases_in_11x11_by_4_and_not_in_7x7_by_2():
    large, small = aliased_energy(waves(0.17, 11), (4, 4)), aliased_energy(waves(0.17, 7), (2, 2))
    assert large.min() > 0.75
    assert small.max() < 0.25


def test_each_axis_has_its_own_stride():
    vertical, horizontal = aliased_energy(waves(0.3, 21)[..., ::-1], (4, 1))
    assert vertical > 0.99
    assert horizontal < 0.05


def test_noise_has_what_its_flat_spectrum_says():
    kernel = np.random.default_rng(0).normal(size=(11, 11, 3, 400))
    for stride in (1, 2, 4):
        np.testing.assert_allclose(aliased_energy(kernel, (stride, stride)).mean(), white_noise((stride, stride)), atol=0.01)


def test_a_filter_between_whose_weights_there_are_holes():
    holes = np.zeros((9, 9, 3, 2))
    kernel = np.random.default_rng(0).normal(size=(5, 3, 3, 2))
    holes[::2, ::4] = kernel
    np.testing.assert_allclose(energy_beyond(kernel, (0.1, 0.3), (2, 4)), energy_beyond(holes, (0.1, 0.3)), rtol=1e-9)


def test_a_filter_of_zeros_and_a_stride_of_one():
    assert aliased_energy(np.zeros((3, 3, 3, 2)), (2, 2)).tolist() == [0, 0]
    assert aliased_energy(np.random.default_rng(0).normal(size=(7, 7, 3, 9)), (1, 1)).max() < 1e-12


def test_wrong_input():
    with pytest.raises(ValueError, match=r"shape \(3, 3, 2\); expected"):
        aliased_energy(np.zeros((3, 3, 2)), (2, 2))
    with pytest.raises(ValueError, match="not finite numbers"):
        aliased_energy(np.full((3, 3, 3, 2), np.nan), (2, 2))
    with pytest.raises(ValueError, match=r"0 to 0\.5 cycles"):
        energy_beyond(np.ones((3, 3, 3, 2)), (0.5, 0.6))


def test_rms_by_hand():
    kernel = np.zeros((2, 1, 2, 2))
    kernel[:, :, :, 0], kernel[0, 0, 0, 1] = [[[1, -1]], [[5, 3]]], 4
    np.testing.assert_allclose(filter_rms(kernel), [3, 2])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_was_clipped_is_at_the_clip_and_nothing_else(dtype):
    scale = np.array([0.2, 0.9, 0.99, 1.0, 1.5, 30.0])
    kernel = np.random.default_rng(0).normal(size=(7, 7, 3, 6))
    kernel *= 0.05 * scale / filter_rms(kernel)
    clipped = np.asarray(clip_filter_rms(kernel.astype("float32"), 0.05)).astype(dtype)
    assert at_clip(filter_rms(clipped), 0.05).tolist() == [False, False, False, True, True, True]


def test_a_smaller_radius_than_the_one_it_was_trained_with():
    assert at_clip(np.array([0.02, 0.05, 0.07]), 0.04).tolist() == [False, True, True]


def test_filter_scale_wrong_input():
    with pytest.raises(ValueError, match=r"shape \(3, 3\); expected"):
        filter_rms(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="radius is 0; it must be greater"):
        at_clip(np.ones(2), 0)
