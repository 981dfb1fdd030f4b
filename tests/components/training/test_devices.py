import pytest
import tensorflow as tf

from zfnet.components.training.devices import training_devices


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


def test_a_machine_without_a_gpu(no_gpu, tmp_path):
    assert training_devices(1, driver=tmp_path / "none") == "Training on the CPU."
    assert training_devices(2, driver=tmp_path / "none") == "Training on 2 replicas of CPUs."
    slower = training_devices(1, ["--mixed-precision", "--xla"], tmp_path / "none")
    assert slower == "Training on the CPU. With --mixed-precision and --xla it is slower: they are for GPUs."


def test_a_gpu_that_tensorflow_does_not_see(no_gpu, tmp_path):
    (tmp_path / "version").touch()
    assert "an NVIDIA GPU that TensorFlow can't use: the extra `gpu` brings" in training_devices(1, driver=tmp_path / "version")


def test_gpus(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a", "b"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "NVIDIA A100"})
    assert training_devices(2, ["--xla"]) == "Training on 2 x NVIDIA A100."
