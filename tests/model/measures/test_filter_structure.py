import keras
import numpy as np
import pytest

from zfnet.model.measures.filter_structure import filter_structure, structured_share

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


def test_wrong_input():
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
