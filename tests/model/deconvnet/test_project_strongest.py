import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet, build, project_strongest, strongest_activations
from zfnet.model.deconvnet.receptive_field import receptive_field
from zfnet.model.deconvnet.strongest import Strongest

LAYERS = ["conv1", "conv2", "conv5", "fc6"]


@pytest.fixture(scope="module")
def deconvnet():
    keras.utils.set_random_seed(5)
    return Deconvnet(build("zfnet-small", (96, 80, 3), 4))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(scale=50, size=(23, 96, 80, 3)).astype("float32")


@pytest.fixture(scope="module")
def strongest(deconvnet, images):
    return strongest_activations(deconvnet, [images], LAYERS, k=2)


def batches(images, ids):
    return [(images[:9], ids[:9]), (images[9:], ids[9:])]


def test_every_activation_is_projected_once_and_as_the_recording_does(deconvnet, images, strongest):
    seen = {layer: np.zeros(strongest[layer].values.shape, int) for layer in LAYERS}
    for part in project_strongest(deconvnet, batches(images, np.arange(23)), strongest):
        np.add.at(seen[part.layer], (part.units, part.ranks), 1)
        unit, rank = part.units[0], part.ranks[0]
        found = strongest[part.layer]
        image = images[found.examples[unit, rank]]
        position = found.positions[unit, rank] if part.layer != "fc6" else None
        size = np.minimum(receptive_field(deconvnet, part.layer).size, image.shape[:2])
        assert part.patches.shape[1:] == part.projections.shape[1:] == (*size, 3)
        window = tuple(slice(start, start + length) for start, length in zip(part.corners[0], size, strict=True))
        expected = deconvnet.project(image[None], part.layer, unit, position)[0]
        np.testing.assert_allclose(part.projections[0], expected[window], atol=1e-5 * np.abs(expected).max())
        np.testing.assert_array_equal(part.patches[0], image[window])
    for layer in LAYERS:
        assert np.all(seen[layer] == 1)


FIELDS = {"low": (5, 5), "middle": (15, 15), "top": (23, 20)}


@pytest.fixture(scope="module", params=["channels_last", "channels_first"])
def chain(request):
    """A net whose layer `top` sees more than the width of the image and less than its height."""
    keras.utils.set_random_seed(1)
    layers, sees = keras.layers, {"padding": "same", "data_format": request.param}
    shape = (3, 28, 20) if request.param == "channels_first" else (28, 20, 3)
    net = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 5, strides=2, activation="relu", name="low", **sees),
            layers.MaxPooling2D(2, data_format=request.param),
            layers.Conv2D(5, 3, name="middle", **sees),
            layers.Conv2D(5, 3, name="top", **sees),
        ]
    )
    return Deconvnet(net)


@pytest.mark.parametrize("layer", FIELDS)
def test_windows_of_borders_and_corners_lie_in_the_image(chain, layer):
    first = chain.graph.channels_first
    images = np.random.default_rng(2).normal(size=(2, 28, 20, 3)).astype("float32")
    given = np.moveaxis(images, 3, 1) if first else images
    (maps,) = (np.asarray(value) for value in chain.activations(given, [layer]))
    maps = np.moveaxis(maps, 1, 3) if first else maps
    positions = np.array([(row, column) for row in range(maps.shape[1]) for column in range(maps.shape[2])])
    values = maps[1, positions[:, 0], positions[:, 1], 2][None]
    found = {layer: Strongest(values, np.ones_like(values, int), positions[None])}
    # Unit 2 is unit 0 of what was found of it alone.
    found[layer] = Strongest.none(5, len(positions), 2).replaced(np.array([2]), found[layer])
    (part,) = project_strongest(chain, [given], found, {layer: (np.full(len(positions), 2), np.arange(len(positions)))})
    assert np.any(values)
    size = FIELDS[layer]
    projections, patches = (np.moveaxis(each, 1, 3) if first else each for each in (part.projections, part.patches))
    assert projections.shape == patches.shape == (len(positions), *size, 3)
    corners = part.corners
    assert corners.min() >= 0
    assert (corners + size).max(axis=0).tolist() == [28, 20]
    field = receptive_field(chain, layer)
    for rank, position in enumerate(positions.tolist()):
        window = tuple(slice(start, start + length) for start, length in zip(corners[rank], size, strict=True))
        expected = chain.project(given[1:], layer, 2, position)[0]
        expected = np.moveaxis(expected, 0, 2) if first else expected
        np.testing.assert_allclose(projections[rank], expected[window], rtol=0, atol=1e-5 * np.abs(expected).max() + 1e-12)
        np.testing.assert_array_equal(patches[rank], images[1][window])
        # What the unit does not see is exactly 0.
        rows, columns = (
            (place < start) | (place >= start + length)
            for place, start, length in zip(
                (np.arange(part.start, part.stop) for part in window),
                np.array(position) * field.stride + field.offset,
                field.size,
                strict=True,
            )
        )
        assert not projections[rank][rows[:, None] | columns].any()


def test_ids_may_be_in_any_order(deconvnet, images):
    ids = np.random.default_rng(1).permutation(1000)[:23]
    found = strongest_activations(deconvnet, batches(images, ids), ["conv1"], k=1)
    row = int(np.flatnonzero(ids == found["conv1"].examples[3, 0])[0])
    chosen = {"conv1": (np.array([3]), np.array([0]))}
    (part,) = project_strongest(deconvnet, batches(images, ids), found, chosen)
    (top, left), (height, width) = part.corners[0], part.patches.shape[1:3]
    np.testing.assert_array_equal(part.patches[0], images[row, top : top + height, left : left + width])
    expected = deconvnet.project(images[row : row + 1], "conv1", 3)[:, top : top + height, left : left + width]
    np.testing.assert_allclose(part.projections, expected, atol=1e-5 * np.abs(expected).max())


def test_of_nothing_nothing_is_projected(deconvnet, images, strongest):
    assert not list(project_strongest(deconvnet, [images], {}))
    assert not list(project_strongest(deconvnet, [images], strongest, {}))


def test_double_precision():
    image = keras.Input((14, 12, 3), dtype="float64")
    policy = keras.DTypePolicy("float64")
    low = keras.layers.Conv2D(4, 3, activation="relu", name="low", dtype=policy)(image)
    top = keras.layers.Conv2D(4, 3, strides=2, name="top", dtype=policy)(keras.layers.MaxPooling2D(dtype=policy)(low))
    deconvnet = Deconvnet(keras.Model(image, top))
    images = np.random.default_rng(0).normal(size=(3, 14, 12, 3))
    found = strongest_activations(deconvnet, [images], ["top"], k=1)
    (part,) = project_strongest(deconvnet, [images], found, {"top": (np.array([1]), np.array([0]))})
    expected, _ = deconvnet.project_patches(images[found["top"].examples[1]], "top", 1)
    assert (part.projections.dtype, expected.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(part.projections, expected, atol=1e-6 * np.abs(expected).max())
