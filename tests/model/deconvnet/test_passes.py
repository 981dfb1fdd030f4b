"""On two logical devices, in a process of its own: TensorFlow can't be told of them once it has started."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from zfnet.model import Deconvnet, build
from zfnet.model.deconvnet import passes
from zfnet.model.deconvnet.rules import fused

LAYERS = ["conv2", "conv4"]
SCRIPT = """
import keras, numpy as np, tensorflow as tf
from zfnet.model import Deconvnet, build, strongest_activations

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
with strategy.scope():
    keras.utils.set_random_seed(5)
    model = build("zfnet-small", (96, 80, 3), 4)
images = np.random.default_rng(0).normal(scale=50, size=(23, 96, 80, 3)).astype("float32")
# Batches that can't be shared out evenly, and one with fewer images than replicas.
batches = [(images[:9], np.arange(9)), (images[9:22], np.arange(9, 22)), (images[22:], np.arange(22, 23))]
layers = ["conv1", "conv4", "fc6"]
alone = strongest_activations(model, batches, layers, k=4)
deconvnet = Deconvnet(model)
with strategy.scope():
    shares = list(deconvnet.maxima(images[:9], layers))
    shared = strongest_activations(deconvnet, batches, layers, k=4)
assert [start for start, _ in shares] == [0, 5], shares
assert [len(maxima[0]) for _, (maxima, _) in shares] == [5, 4]
for layer in layers:
    np.testing.assert_array_equal(shared[layer].examples, alone[layer].examples)
    np.testing.assert_array_equal(shared[layer].positions, alone[layer].positions)
    np.testing.assert_allclose(shared[layer].values, alone[layer].values, rtol=1e-4)
print("equal")
"""


@pytest.fixture
def compiled(monkeypatch):
    """For everything that is traced whether XLA may be used for it."""
    seen = []
    function = fused.fused
    monkeypatch.setattr(fused, "WORTHWHILE", 0)
    for module in ("windows.way_down", "rules.max_pool", "rules.convolution"):
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


def test_replicas_find_what_one_device_finds(forked):
    run = subprocess.run(forked([sys.executable, "-c", SCRIPT]), capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.strip() == "equal"


def test_nothing_is_compiled_if_functions_run_eagerly():
    images = np.random.default_rng(0).normal(scale=50, size=(2, 56, 56, 3)).astype("float32")
    model = build("zfnet-small", (56, 56, 3), 3, seed=1)
    expected = Deconvnet(model).project(images, "conv4", 3)
    deconvnet = Deconvnet(model)
    tf.config.run_functions_eagerly(True)
    try:
        found = deconvnet.project(images, "conv4", 3)
    finally:
        tf.config.run_functions_eagerly(False)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * abs(expected).max())
    assert deconvnet._passes._compiled == {}
