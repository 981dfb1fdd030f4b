import importlib
import pathlib

import keras
import numpy as np

from zfnet.model import Deconvnet, build

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"


def test_it_projects_what_the_deconvnet_does(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    textbook = importlib.import_module("textbook")
    keras.utils.set_random_seed(3)
    net = build("zfnet-small", (96, 80, 3), 4, include_top=False)
    images = np.random.default_rng(0).normal(scale=50, size=(2, 96, 80, 3)).astype("float32")
    recording = Deconvnet(net).record(images)
    for layer in ("conv2", "conv5"):
        maps, examples = recording.activations(layer).numpy(), np.array([0, 1, 1])
        # The places that are most active, whichever map they are of.
        units = maps[examples].max((1, 2)).argmax(1)
        flat = maps[examples, :, :, units].reshape(3, -1).argmax(1)
        positions = np.stack(np.unravel_index(flat, maps.shape[1:3]), axis=1)
        expected = recording.project(layer, units, positions, examples)
        found = textbook.make_projector(net, layer, images)(units, positions, examples)
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
