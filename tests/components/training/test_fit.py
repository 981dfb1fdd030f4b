"""Trainings that must come to the same: on one replica or several, in one process or several, in one go or in parts."""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from zfnet.components.artifacts import Model
from zfnet.components.data.batches import read_origins
from zfnet.components.training.checkpoints import STATE, VARIABLES, Checkpoints
from zfnet.components.training.fit import _measure, fit, report_divergence
from zfnet.components.training.recipe import Recipe
from zfnet.components.training.start import start_digest

# In processes of their own: TensorFlow mixes up the collectives of strategies of different sizes in one process.
TRAIN = """
import dataclasses, json, pathlib, sys
import keras
import numpy as np
import tensorflow as tf
from zfnet.components.artifacts import Examples, Model, Statistics
from zfnet.components.training.checkpoints import Checkpoints
from zfnet.components.training.cluster_task import read_task
from zfnet.components.training.fit import fit
from zfnet.components.training.recipe import Recipe
from zfnet.components.training.start import start_digest
from zfnet.model.net.architecture import ARCHITECTURES

examples, statistics, out, replicas, options = sys.argv[1:]
options = {"epochs": 2, "batch_size": 8} | json.loads(options)
replicas = int(replicas)
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * replicas
)
mirrored = tf.distribute.MirroredStrategy
tf.distribute.MirroredStrategy = lambda: mirrored([f"cpu:{number}" for number in range(replicas)])
# Half the width again, and a radius that clips every filter of conv1 at this rate.
row = dataclasses.replace(ARCHITECTURES["zfnet-small"], dropout=0.0, rms_radius=0.0005)
ARCHITECTURES["tiny"] = row.with_filters(conv1=8, conv2=16, conv3=16, conv4=16, conv5=16).with_units(32)
given = options.pop("start", None)
recipe = Recipe(architecture="tiny", learning_rate=0.01, **options)
model = Model(out)
model.path.mkdir(parents=True, exist_ok=True)
kept = Checkpoints(pathlib.Path(f"{out}/checkpoints"))
digest = start_digest(given) if given else None
fit(recipe, Examples(examples), Statistics(statistics), model, kept, f"{out}/tensorboard", 1e9, start=given, start_digest=digest)
task = read_task()
if task is None or task.chief:
    net = keras.saving.load_model(model.path / "model.keras", compile=False)
    np.savez(f"{out}/weights.npz", *[weight.numpy() for weight in net.weights])
"""
RECIPE = Recipe(epochs=3, batch_size=8, learning_rate=0.01)


@dataclasses.dataclass
class Trained:
    model: Model

    @property
    def weights(self):
        with np.load(self.model.path / "weights.npz") as arrays:
            return [arrays[name] for name in arrays.files]


@pytest.fixture(scope="module")
def start(examples, statistics, tmp_path_factory, forked):
    """Starts a training in a process; the tests wait for it."""

    def start(replicas=1, environment=None, out=None, **options):
        out = out or tmp_path_factory.mktemp("out")
        arguments = [sys.executable, "-c", TRAIN, str(examples.path), str(statistics.path), str(out), str(replicas), json.dumps(options)]
        process = subprocess.Popen(
            forked(arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | (environment or {})
        )
        return process, Model(out)

    return start


def finish(started):
    process, model = started
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    return Trained(model)


@pytest.fixture(scope="module")
def alone(start):
    return finish(start())


def assert_same_training(one, other, rtol=1e-4):
    for first, second in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(first, second, rtol=rtol, atol=rtol * np.abs(first).max())
    for first, second in zip(one.model.read_json("history.json"), other.model.read_json("history.json"), strict=True):
        assert first == pytest.approx(second, rel=1e-3)


def test_filters_too_small_to_tell_leave_no_number_in_the_history():
    layers = keras.layers
    assert _measure(keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)])) == {}
    assert _measure(keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 7)])) == {"structured": 0.0}


@pytest.mark.parametrize("replicas", [2, 4])
def test_replicas_reach_the_weights_of_one(alone, start, replicas):
    trained = finish(start(replicas))
    assert trained.model.read_json("recipe.json")["replicas"] == replicas
    assert_same_training(trained, alone)
    # The RMS clip too is the same on all of them.
    rms = np.sqrt(np.mean(np.square(next(weight for weight in trained.weights if weight.ndim == 4)), axis=(0, 1, 2)))
    assert rms.max() == pytest.approx(0.0005, rel=1e-4)


def test_batches_that_do_not_divide_are_shared_in_whole_parts(start):
    # 17 validation examples and batches of 7 divide by nothing.
    trained = finish(start(2, batch_size=7, epochs=1))
    assert (trained.model.read_json("recipe.json")["batch_size"], trained.model.read_json("recipe.json")["replicas"]) == (6, 2)
    assert np.isfinite(list(trained.model.read_json("history.json")[0].values())).all()


def weights_of(trained, file="model.keras"):
    net = keras.saving.load_model(trained.model.path / file, compile=False)
    return {weight.path: weight.numpy() for layer in net.layers for weight in layer.weights}


def test_fine_tuning_changes_the_layers_that_are_not_frozen(alone, start):
    choices = {"start": str(alone.model.path / "model.keras"), "freeze": "conv1..conv3", "layer_rate": "conv4..conv5=0.1"}
    tuned = finish(start(epochs=1, **choices))
    first, before, after = weights_of(alone), weights_of(tuned, "start.keras"), weights_of(tuned)
    assert first.keys() == before.keys() == after.keys()
    assert {path.split("/")[0] for path in first if not np.array_equal(first[path], before[path])} == {"predictions"}
    changed = {path.split("/")[0] for path in first if not np.array_equal(before[path], after[path])}
    assert changed == {"conv4", "conv5", "fc6", "fc7", "predictions"}
    recipe = tuned.model.read_json("recipe.json")
    assert (recipe["start_from"], recipe["start_digest"]) == (choices["start"], start_digest(choices["start"]))
    assert recipe["start_layers"] == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
    assert tuned.model.properties() == {"start_layers": recipe["start_layers"], "new_layers": ["predictions"]}


def test_frozen_layers_without_a_start(examples, statistics, tmp_path):
    with pytest.raises(ValueError, match="freeze is 'conv1', but there is no start"):
        fit(Recipe(freeze="conv1"), examples, statistics, Model(tmp_path), Checkpoints(tmp_path), str(tmp_path), 1e9)


@pytest.mark.slow
def test_fine_tuning_that_goes_on_in_another_process(alone, start):
    choices = {"start": str(alone.model.path / "model.keras"), "freeze": "conv1..conv3", "layer_rate": "conv4..conv5=0.1"}
    begun = finish(start(epochs=1, **choices))
    shutil.rmtree(begun.model.path / "pictures")
    continued = finish(start(out=begun.model.path, **choices))
    for one, other in zip(continued.weights, finish(start(**choices)).weights, strict=True):
        np.testing.assert_array_equal(one, other)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def cluster(size):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(size)]
    return [{"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}})} for i in range(size)]


def test_two_processes_reach_the_weights_of_one(alone, start, tmp_path):
    # One directory, as machines share one.
    started = [start(environment=environment, out=tmp_path) for environment in cluster(2)]
    chief, _ = (finish(one) for one in started)
    assert_same_training(chief, alone)
    # Only the chief writes.
    assert len(list((tmp_path / "tensorboard" / "train").iterdir())) == 1


def test_processes_that_were_told_different_things_do_not_train(start, tmp_path):
    started = [start(environment=environment, out=tmp_path, epochs=place + 1) for place, environment in enumerate(cluster(2))]
    for process, _ in started:
        output, _ = process.communicate(timeout=300)
        assert process.returncode != 0
        assert "The processes of the cluster were started with different choices" in output
    assert not (tmp_path / "checkpoints").exists()


def test_step_examples_and_the_last_good_checkpoint_are_named(examples, tmp_path):
    (tmp_path / "epoch-0001").mkdir()
    for name in (STATE, VARIABLES):
        (tmp_path / "epoch-0001" / name).touch()
    with pytest.raises(ValueError, match=r"at step 12 \(epoch 2, step 4 of 8\)") as raised:
        report_divergence(examples, RECIPE, Checkpoints(tmp_path), 11, steps=8, batch_size=8)
    message = str(raised.value)
    assert f"The last good checkpoint is epoch-0001 in {tmp_path}." in message
    named = message.split("its batch: ")[1].split(". The last")[0].split(", ")
    assert len(set(named) & set(read_origins(examples, "train")[2])) == 8


def test_many_examples_are_named_in_part(examples, tmp_path):
    with pytest.raises(ValueError, match=r"The 60 examples of its batch: .* \.\.\.\. There is no checkpoint before it") as raised:
        report_divergence(examples, RECIPE, Checkpoints(tmp_path), 0, steps=1, batch_size=60)
    assert len(str(raised.value)) < 600
