import importlib
import pathlib

import keras
import numpy as np
import pytest

from zfnet.model import Deconvnet

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def net():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            *(keras.Input((16, 16, 3)), layers.Conv2D(4, 3, activation="relu", name="one"), layers.MaxPooling2D(2, name="pool")),
            layers.Conv2D(5, 3, activation="relu", name="two"),
        ]
    )


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(6, 16, 16, 3)).astype("float32")


def test_a_gallery_counts_every_projection_and_operation(net, images, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    whole_gallery = importlib.import_module("whole_gallery")
    monkeypatch.setattr(whole_gallery, "K", 2)
    found = whole_gallery.gallery(Deconvnet(net), images, ["one", "two"], units=3)
    assert found["projections"] == {"one": 3 * 2, "two": 3 * 2}
    one, two = 14 * 14 * 4 * 27, 5 * 5 * 5 * 36
    assert found["operations"]["search"] == 2 * 6 * (one + two)
    assert found["operations"]["switches"] == 2 * found["images_projected_from"] * one
    # From one unit, a window of a single place, of one map; below the pool, 6 by 6 places of four maps.
    assert found["operations"]["projections"] == 2 * (6 * 27 + 6 * (36 + 36 * 4 * 27))
    assert min(found["seconds"].values()) > 0


def test_the_row_of_the_forward_pass_has_all_switches(net, images, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    deconvnet = Deconvnet(net)
    recording = importlib.import_module("projections").find_switches(deconvnet, images, deconvnet.layers)
    (pool,) = deconvnet.graph.calls["pool"]
    assert list(recording._saved) == [pool.output]


def test_whole_maps_project_what_windows_do(net, images, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    projections = importlib.import_module("projections")
    recording, (units, examples) = Deconvnet(net).record(images), np.divmod(np.arange(5 * 6), 6)
    expected = recording.project("two", units, None, examples)
    with projections.whole_maps():
        np.testing.assert_allclose(Deconvnet(net).record(images).project("two", units, None, examples), expected, atol=1e-5)
