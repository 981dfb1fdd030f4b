import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet, build, project_strongest, strongest_activations
from zfnet.model.deconvnet.frame import cut_window

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
        if part.layer in ("conv5", "fc6"):
            # Their field is larger than the image, so that the whole image is shown.
            expected, patch = deconvnet.project(image[None], part.layer, unit, position)[0], image
        else:
            (expected,), (corner,) = deconvnet.project_patches(image[None], part.layer, unit, position)
            np.testing.assert_array_equal(part.corners[0], corner)
            patch = cut_window(image, corner, expected.shape[:2])
        np.testing.assert_allclose(part.projections[0], expected, atol=1e-5 * np.abs(expected).max())
        np.testing.assert_array_equal(part.patches[0], patch)
    for layer in LAYERS:
        assert np.all(seen[layer] == 1)


def test_ids_may_be_in_any_order(deconvnet, images):
    ids = np.random.default_rng(1).permutation(1000)[:23]
    found = strongest_activations(deconvnet, batches(images, ids), ["conv1"], k=1)
    row = int(np.flatnonzero(ids == found["conv1"].examples[3, 0])[0])
    chosen = {"conv1": (np.array([3]), np.array([0]))}
    (part,) = project_strongest(deconvnet, batches(images, ids), found, chosen)
    expected, _ = deconvnet.project_patches(images[row : row + 1], "conv1", 3)
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
