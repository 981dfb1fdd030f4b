import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.devices import choose_mixed_precision, choose_xla, precision, training_devices
from zfnet.components.training.train_step import make_train_step, no_totals
from zfnet.model import build

CPU, AMPERE, VOLTA = None, {"compute_capability": (8, 0)}, {"compute_capability": (7, 0)}
XLA = """
import sys
import keras, numpy as np, tensorflow as tf
from zfnet.components.training.train_step import make_train_step
from zfnet.components.training.train_step import no_totals
from zfnet.model import build

rng = np.random.default_rng(0)
data = rng.normal(scale=50, size=(4, 8, 56, 56, 3)).astype("float32"), rng.integers(4, size=(4, 8))
for xla in (False, True):
    keras.utils.set_random_seed(1)
    net = build("zfnet-small", (56, 56, 3), 4)
    net.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    step, totals = make_train_step(net, tf.distribute.get_strategy(), 8, xla), no_totals()
    batches = iter(tf.data.Dataset.from_tensor_slices(data))
    for number in range(4):
        totals = step(batches, totals, tf.constant(number, tf.int64))
    print(float(totals.sums[0]))
"""


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


def test_a_machine_without_a_gpu(no_gpu, tmp_path):
    assert training_devices(1, driver=tmp_path / "none") == "Training on the CPU."
    assert training_devices(2, driver=tmp_path / "none") == "Training on 2 replicas of CPUs."
    slower = training_devices(1, ["--mixed-precision", "--xla"], tmp_path / "none")
    assert slower == "Training on the CPU. On a CPU, training is slower with --mixed-precision and --xla."


def test_a_gpu_that_tensorflow_does_not_see(no_gpu, tmp_path):
    (tmp_path / "version").touch()
    assert "TensorFlow can't use the NVIDIA GPU. Install its libraries with the extra `gpu`" in training_devices(
        1, driver=tmp_path / "version"
    )


def test_gpus(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a", "b"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "NVIDIA A100"})
    assert training_devices(2, ["--xla"]) == "Training on 2 x NVIDIA A100."


@pytest.mark.parametrize(
    ("gpus", "choice", "mixed", "xla"),
    [
        ([], None, False, False),
        ([AMPERE], None, True, True),
        ([AMPERE, VOLTA], None, False, True),
        ([{}], None, False, True),
        ([], True, True, True),
        ([AMPERE], False, False, False),
    ],
)
def test_open_choices_follow_from_the_gpus(monkeypatch, gpus, choice, mixed, xla):
    # There is no GPU here; what TensorFlow would say of one is put in its place.
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(range(len(gpus))))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: gpus[gpu])
    assert (choose_mixed_precision(choice), choose_xla(choice, deterministic=False)) == (mixed, xla)
    assert choose_xla(None, deterministic=True) is False


def train(mixed=False):
    keras.utils.set_random_seed(1)
    with precision(mixed):
        net = build("zfnet-small", (56, 56, 3), 4)
        net.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    rng = np.random.default_rng(0)
    data = rng.normal(scale=50, size=(4, 8, 56, 56, 3)).astype("float32"), rng.integers(4, size=(4, 8))
    step, totals = make_train_step(net, tf.distribute.get_strategy(), 8), no_totals()
    batches = iter(tf.data.Dataset.from_tensor_slices(data))
    for number in range(4):
        totals = step(batches, totals, tf.constant(number, tf.int64))
    return net, totals


@pytest.fixture(scope="module")
def plain():
    return train()


def test_xla_trains_alike_dropout_included(forked):
    # In a process of its own: once other tests have asked for operations that are deterministic, there is no way back.
    ran = subprocess.run(forked([sys.executable, "-c", XLA]), capture_output=True, text=True, timeout=200)
    plain, compiled = (float(line) for line in ran.stdout.split())
    assert compiled == pytest.approx(plain, rel=5e-3), ran.stderr[-2000:]


def test_mixed_precision_trains_nearly_alike_with_float32_weights(plain):
    net, totals = train(mixed=True)
    assert net.get_layer("conv3").compute_dtype == "bfloat16"
    assert {str(weight.dtype) for weight in net.trainable_weights} == {"float32"}
    assert net(np.zeros((1, 56, 56, 3))).dtype == tf.float32
    assert float(totals.sums[0]) == pytest.approx(float(plain[1].sums[0]), rel=0.05)
    assert keras.config.dtype_policy().name == "float32"
