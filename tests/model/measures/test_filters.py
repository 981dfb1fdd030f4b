import keras
import numpy as np
import pytest

from zfnet.model import clip_filter_rms
from zfnet.model.measures.filters import aliased_energy, at_clip, energy_beyond, filter_rms, filter_structure, structured_share, white_noise


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


def test_wrong_input_of_filter_rms():
    with pytest.raises(ValueError, match=r"shape \(3, 3\); expected"):
        filter_rms(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="radius is 0; it must be greater"):
        at_clip(np.ones(2), 0)


SIDE = 7
Y, X = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
BELL = np.exp(-(X**2 + Y**2) / (2 * 2**2))
WHITE, ORANGE = np.array([1, 1, 1]), np.array([1, 0.4, -0.6])


def coloured(pattern, colour=WHITE):
    return pattern[:, :, None] * colour


def by_loops(weights):
    """Roughness and the varying share of one filter, `(height, width, channels)`, written out."""
    height, width, channels = weights.shape
    means = [sum(weights[y, x, c] for y in range(height) for x in range(width)) / (height * width) for c in range(channels)]
    energy = variance = 0
    differences = []
    for y in range(height):
        for x in range(width):
            energy += sum(weights[y, x, c] ** 2 for c in range(channels))
            variance += sum((weights[y, x, c] - means[c]) ** 2 for c in range(channels)) / (height * width)
            neighbours = [(y + 1, x)] * (y + 1 < height) + [(y, x + 1)] * (x + 1 < width)
            differences += [sum((weights[y, x, c] - weights[place][c]) ** 2 for c in range(channels)) for place in neighbours]
    return sum(differences) / len(differences) / variance, variance * height * width / energy


@pytest.mark.parametrize("shape", [(7, 7, 3), (11, 11, 1), (6, 9, 4), (1, 9, 3), (9, 1, 1), (3, 3, 3), (2, 5, 1)])
def test_equals_the_formula_written_out(shape):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(*shape, 5)) + rng.normal(size=(1, 1, shape[2], 5)) * np.linspace(0, 3, 5)
    found = filter_structure(kernel.astype("float32"))
    expected = [by_loops(kernel.astype("float32").astype(float)[..., number]) for number in range(5)]
    np.testing.assert_allclose(np.stack([found.roughness, found.varying], axis=1), expected, rtol=1e-12)


def test_equals_an_average_of_the_two_axes_in_square_kernels():
    kernel = np.random.default_rng(0).normal(size=(7, 7, 3, 9))
    axes = [np.square(np.diff(kernel, axis=axis)).sum(axis=2).mean(axis=(0, 1)) for axis in (0, 1)]
    np.testing.assert_allclose(filter_structure(kernel).roughness, np.mean(axes, axis=0) / kernel.var(axis=(0, 1)).sum(axis=0))


PLANTED = {
    "gabor": (coloured(BELL * np.cos(2 * np.pi * (0.6 * X + 0.8 * Y) / 7)), "structured"),
    "edge": (coloured(np.sign(X + 0.5)), "structured"),
    "border of colours": (coloured(np.tanh(X), np.array([1, -1, 0.2])), "structured"),
    "edge above a colour": (coloured(np.tanh(Y), np.array([0, 0.6, -0.6])) + ORANGE / 2, "structured"),
    "line": (coloured(np.exp(-(X**2) / 2)), "structured"),
    "centre and surround": (coloured(BELL - BELL.mean()), "structured"),
    "constant colour": (coloured(np.ones_like(X), ORANGE), "plain"),
    "colour with a little noise": (coloured(np.ones_like(X), ORANGE) + np.random.default_rng(0).normal(0, 0.2, (SIDE, SIDE, 3)), "plain"),
    "colour that fades": (coloured(0.5 + BELL / 2, ORANGE), "plain"),
    "noise": (np.random.default_rng(0).normal(size=(SIDE, SIDE, 3)), "noisy"),
    "noise above an edge": (coloured(np.sign(X)) + np.random.default_rng(0).normal(0, 1, (SIDE, SIDE, 3)), "noisy"),
    "checkerboard": (coloured((X + Y) % 2 - 0.5), "noisy"),
    "wave of four weights": (coloured(np.cos(2 * np.pi * X / 4)), "noisy"),
    "zeros": (coloured(0 * X), None),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_filters(name):
    weights, kind = PLANTED[name]
    # Among others, of which none may touch it.
    found = filter_structure(np.stack([PLANTED["noise"][0], weights, PLANTED["edge"][0]], axis=3))
    assert [each for each in ("structured", "noisy", "plain") if getattr(found, each)[1]] == ([kind] if kind else [])
    assert (found.noisy[0], found.structured[2]) == (True, True)
    assert found.share == (1 + (kind == "structured")) / 3


@pytest.mark.parametrize(("period", "share"), [(4, 0), (5, 0), (6.5, 1), (9, 1)])
def test_waves_from_about_six_weights_on_are_told_from_noise(period, share):
    angles, phases = np.linspace(0, np.pi, 12, endpoint=False), np.linspace(0, np.pi, 4, endpoint=False)
    waves = [BELL * np.cos(2 * np.pi * (np.cos(a) * X + np.sin(a) * Y) / period + phase) for a in angles for phase in phases]
    found = filter_structure(np.stack(waves, axis=2)[:, :, None])
    assert found.share == share
    assert found.noisy.mean() == 1 - share


def test_known_numbers():
    found = filter_structure(np.stack([PLANTED[name][0] for name in ("checkerboard", "constant colour", "zeros")], axis=3))
    # Each pair of a checkerboard differs by 1; its 25 and 24 weights have a variance of (1 - 1/49^2) / 4.
    np.testing.assert_allclose(found.roughness, [4 / (1 - 1 / 49**2), 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.varying, [1 - 1 / 49**2, 0, 0], atol=1e-12)
    wave = np.cos(2 * np.pi * 0.15 * np.arange(400) + 1)
    long = filter_structure(np.broadcast_to(wave, (400, 400))[..., None, None])
    np.testing.assert_allclose(long.roughness, 1 - np.cos(2 * np.pi * 0.15), rtol=0.01)


@pytest.mark.parametrize("scale", [-1, 1e-6, 1e6])
def test_scale_does_not_matter(scale):
    kernel = np.stack([weights for weights, _ in PLANTED.values()], axis=3)
    one, other = filter_structure(kernel), filter_structure((scale * kernel).astype("float32"))
    np.testing.assert_allclose(other.roughness, one.roughness, atol=1e-5)
    np.testing.assert_allclose(other.varying, one.varying, atol=1e-5)
    assert other.structured.tolist() == one.structured.tolist()


@pytest.mark.parametrize("side", [11, 7, 5, 3, 2])
@pytest.mark.parametrize("channels", [3, 1])
def test_white_noise_has_what_von_neumann_says_and_does_not_pass(side, channels):
    kernel = np.random.default_rng(0).normal(size=(side, side, channels, 5000))
    found = filter_structure(kernel)
    weights = side * side
    assert found.roughness.mean() == pytest.approx(2 * weights / (weights - 1), rel=0.01)
    assert not ((found.roughness < 0.7) & (found.varying > 0.2)).any()


@pytest.mark.parametrize(("height", "width"), [(1, 5), (7, 1), (1, 11), (3, 5)])
def test_white_noise_in_a_row_or_two_hardly_passes(height, width):
    found = filter_structure(np.random.default_rng(0).normal(size=(height, width, 1, 20000)))
    assert ((found.roughness < 0.7) & (found.varying > 0.2)).mean() < 0.02


@pytest.mark.parametrize(
    ("height", "width", "judged"),
    [
        (1, 8, True),
        (11, 1, True),
        (1, 7, False),
        (2, 11, False),
        (11, 11, True),
        (7, 7, True),
        (6, 6, True),
        (6, 9, True),
        (5, 5, False),
        (5, 11, False),
        (3, 3, False),
        (2, 2, False),
        (1, 1, False),
    ],
)
def test_a_kernel_is_judged_where_a_line_along_either_axis_can_pass(height, width, judged):
    lines = [np.cos(2 * np.pi * (np.indices((height, width))[axis] + 0.5) / length) for axis, length in enumerate((height, width))]
    # Along an axis of one weight there is nothing to see.
    lines = [line for line, length in zip(lines, (height, width), strict=True) if length > 1]
    kernel = np.stack([*lines, np.ones((height, width))], axis=2)[:, :, None]
    found = filter_structure(kernel)
    assert bool(lines and found.roughness[:-1].max() < 0.7) == judged == found.judged
    assert found.structured.tolist() == [judged] * len(lines) + [False]
    assert found.plain.tolist() == [False] * len(lines) + [judged]
    assert not found.noisy.any()
    assert found.share == (len(lines) / (len(lines) + 1) if judged else None)


def test_wrong_kernel_has_no_structure():
    with pytest.raises(ValueError, match=r"shape \(7, 7, 3\); expected"):
        filter_structure(np.zeros((7, 7, 3)))
    with pytest.raises(ValueError, match="not finite numbers"):
        filter_structure(np.full((7, 7, 3, 2), np.inf))


def test_of_a_model_the_first_convolution_is_looked_at():
    layers = keras.layers
    net = keras.Sequential([keras.Input((20, 20, 3)), layers.Rescaling(1), layers.Conv2D(3, SIDE, name="a"), layers.Conv2D(2, 7)])
    net.get_layer("a").kernel.assign(np.stack([PLANTED[name][0] for name in ("noise", "edge", "zeros")], axis=3))
    assert structured_share(net) == 1 / 3
    assert structured_share(keras.Sequential([keras.Input((20, 20, 3)), layers.Conv2D(3, 3)])) is None
    assert structured_share(keras.Sequential([keras.Input((4,)), layers.Dense(3)])) is None
