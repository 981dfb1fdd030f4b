"""Any number of images at once: in batches that fit into memory, with the results of one batch."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet, build, strongest_activations
from zfnet.model.deconvnet import passes, recording

LAYERS = ["conv1", "conv3", "fc6"]
# Maps of 26 MB an image, before and after the ReLU: 3 GB for all images.
SCRIPT = """
import resource, sys, keras, numpy as np
from zfnet.model import Deconvnet, strongest_activations
layers = keras.layers
low = [keras.Input((224, 224, 1)), layers.Conv2D(64, 1, activation="relu"), layers.MaxPooling2D(4)]
net = keras.Sequential([*low, layers.Conv2D(2, 1, name="top")])
images = np.random.default_rng(0).uniform(size=(120, 224, 224, 1)).astype("float32")
deconvnet = Deconvnet(net)
deconvnet.project(images[:2], "top", 1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert deconvnet.record(images).project("top", 1).shape == images.shape
strongest_activations(deconvnet, [images], ["top"])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20)
"""


@pytest.fixture(scope="module")
def deconvnet():
    return Deconvnet(build("zfnet-small", (64, 56, 3), 4, seed=2))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(scale=50, size=(11, 64, 56, 3)).astype("float32")


@pytest.fixture(scope="module")
def at_once(deconvnet, images):
    return deconvnet.record(images)


@pytest.fixture(params=["stored", "computed anew"])
def in_batches(request, deconvnet, images, monkeypatch, at_once):
    """A recording in batches of a few images, and the sizes of all batches that ran."""
    largest = max(int(np.prod(shape)) for shape in at_once.shapes)
    monkeypatch.setattr(passes, "VALUES_TOGETHER", 12 * largest)
    if request.param == "computed anew":
        monkeypatch.setattr(recording, "MOST_STORED", 1)
    forward, sizes = passes.Passes.forward, []

    def counted(self, images, wanted):
        sizes.append(len(images))
        return forward(self, images, wanted)

    monkeypatch.setattr(passes.Passes, "forward", counted)
    return deconvnet.record(images), sizes


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_batches_give_what_all_at_once_give(in_batches, at_once):
    found, sizes = in_batches
    for layer in LAYERS:
        close(found.activations(layer).numpy(), at_once.activations(layer).numpy())
        close(found.project(layer, 3), at_once.project(layer, 3))
        close(found.project(layer, np.arange(11)), at_once.project(layer, np.arange(11)))
        for one, other in zip(found.project_patches(layer, 3), at_once.project_patches(layer, 3), strict=True):
            close(one, other)
        places = {"unit": [1, 5, 2, 7, 1], "example": [10, 0, 6, 0, 9]}
        close(found.project(layer, **places), at_once.project(layer, **places))
        assert found.project(layer, [], None, []).shape == (0, 64, 56, 3)
    np.testing.assert_array_equal(found.switches("pool2"), at_once.switches("pool2"))
    close(found.project("conv3", 3, [(2, 1)], [7, 1]), at_once.project("conv3", 3, [(2, 1)], [7, 1]))
    assert max(sizes) < 8
    with pytest.raises(ValueError, match="no example 11"):
        found.project("conv3", 0, None, [11])


def test_only_batches_with_images_that_are_wanted_run_again(in_batches, request):
    found, sizes = in_batches
    sizes.clear()
    found.project("conv3", 0, None, [10, 10])
    assert len(sizes) == ("computed" in request.node.name)


def test_searches_and_activations_run_in_batches(deconvnet, images, at_once, monkeypatch):
    expected = strongest_activations(deconvnet, [images], LAYERS, k=3)
    monkeypatch.setattr(passes, "VALUES_TOGETHER", 1)
    found = strongest_activations(deconvnet, [images], LAYERS, k=3)
    for layer, values in zip(LAYERS, deconvnet.activations(images, LAYERS), strict=True):
        close(values.numpy(), at_once.activations(layer).numpy())
        np.testing.assert_array_equal(found[layer].examples, expected[layer].examples)
        np.testing.assert_array_equal(found[layer].positions, expected[layer].positions)
    assert [start for start, _ in deconvnet.maxima(images[:3], ["conv1"])] == [0, 1, 2]


def test_channels_first_in_batches(monkeypatch):
    layers = keras.layers
    net = [keras.Input((3, 12, 10)), layers.Conv2D(4, 3, activation="relu", data_format="channels_first", name="low")]
    deconvnet = Deconvnet(keras.Sequential([*net, layers.MaxPooling2D(data_format="channels_first", name="pool")]))
    images = np.random.default_rng(0).normal(size=(5, 3, 12, 10)).astype("float32")
    expected = deconvnet.record(images)
    monkeypatch.setattr(passes, "VALUES_TOGETHER", 1)
    monkeypatch.setattr(recording, "MOST_STORED", 1)
    found = deconvnet.record(images)
    close(found.activations("pool").numpy(), expected.activations("pool").numpy())
    close(found.project("pool", 1), expected.project("pool", 1))


def test_memory_is_bounded(forked):
    run = subprocess.run(forked([sys.executable, "-c", SCRIPT]), capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    assert float(run.stdout) < 1
