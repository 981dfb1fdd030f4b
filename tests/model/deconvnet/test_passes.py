import numpy as np
import pytest

from zfnet.model import Deconvnet, build
from zfnet.model.deconvnet import passes
from zfnet.model.deconvnet.rules import fused

LAYERS = ["conv2", "conv4"]


@pytest.fixture
def compiled(monkeypatch):
    """For everything that is traced whether XLA may be used for it."""
    seen = []
    function = fused.fused
    monkeypatch.setattr(fused, "WORTHWHILE", 0)
    for module in ("windows", "rules.max_pool", "rules.convolution"):
        monkeypatch.setattr(
            f"zfnet.model.deconvnet.{module}.fused", lambda *arguments: (seen.append(fused._IS_ALLOWED.get()), function(*arguments))[1]
        )
    return seen


def test_xla_comes_after_many_values_and_changes_no_bit(compiled, monkeypatch):
    images = np.random.default_rng(0).normal(scale=50, size=(3, 56, 56, 3)).astype("float32")
    deconvnet = Deconvnet(build("zfnet-small", (56, 56, 3), 3, seed=1))
    recording = deconvnet.record(images, LAYERS)
    plain = [recording.project(layer, [3, 4, 5]) for layer in LAYERS]
    assert compiled
    assert not any(compiled)
    compiled.clear()
    assert [recording.project(layer, [3, 4, 5]).shape for layer in LAYERS] == [part.shape for part in plain]
    assert not compiled
    monkeypatch.setattr(passes, "MANY_VALUES", 1)
    again = deconvnet.record(images, LAYERS)
    for layer, expected in zip(LAYERS, plain, strict=True):
        np.testing.assert_array_equal(again.project(layer, [3, 4, 5]), expected)
    assert all(compiled)
