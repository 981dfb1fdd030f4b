import dataclasses
import pathlib

import numpy as np
import pytest

from zfnet.model import ARCHITECTURES, Deconvnet, build

pytest.importorskip("torch")
pytest.importorskip("captum")
BENCHMARKS = pathlib.Path(__file__).resolve().parents[3] / "benchmarks"
pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU activations")
IMAGES = np.random.default_rng(0).normal(size=(2, 96, 64, 3), scale=64).astype("float32")
POSITIONS = np.array([[2, 1], [0, 2]])


@pytest.fixture
def captum_peer(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from peers import captum_peer

    return captum_peer


def net(normalized: bool):
    row = dataclasses.replace(ARCHITECTURES["zfnet-small"], input_scale=1.0, first_stddev=None)
    if not normalized:
        row = dataclasses.replace(row, convolutions=tuple(dataclasses.replace(layer, normalize=None) for layer in row.convolutions))
    return build(row, IMAGES.shape[1:], include_top=False)


def exact(model, unit):
    recording = Deconvnet(model).record(IMAGES)
    strengths = recording.activations("conv5").numpy()[range(2), POSITIONS[:, 0], POSITIONS[:, 1], unit]
    return recording.project("conv5", unit, POSITIONS), strengths[:, None, None, None]


def firing_unit(model):
    activations = Deconvnet(model).activations(IMAGES, ["conv5"])[0].numpy()
    return int(activations[range(2), POSITIONS[:, 0], POSITIONS[:, 1]].min(0).argmax())


def test_without_norms_it_is_the_deconvnet(captum_peer):
    model = net(normalized=False)
    unit = firing_unit(model)
    expected, strengths = exact(model, unit)
    found = captum_peer.make_projector(model, "conv5")(IMAGES, unit, POSITIONS)
    assert abs(expected).max() > 0
    np.testing.assert_allclose(found * strengths, expected, rtol=0, atol=1e-5 * abs(expected).max())


def test_norms_make_a_difference(captum_peer):
    model = net(normalized=True)
    unit = firing_unit(model)
    expected, strengths = exact(model, unit)
    found = captum_peer.make_projector(model, "conv5")(IMAGES, unit, POSITIONS) * strengths
    cosine = (found * expected).sum() / np.linalg.norm(found) / np.linalg.norm(expected)
    assert 0.1 < cosine < 0.99


def test_versions_are_told(captum_peer):
    assert " on torch " in captum_peer.version()
