import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_batches
from zfnet.components.data.source import open_source
from zfnet.components.evaluation import ensemble
from zfnet.components.evaluation.ensemble import measure_ensemble
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.example_gen import generate_examples
from zfnet.model import ten_crop


def net_of(size, seed):
    """Knows little: its answers are near each other, and often wrong."""
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense(3, "softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=0.003))
    pool = keras.layers.AveragePooling2D(4)
    return keras.Sequential([keras.Input((size, size, 3)), pool, keras.layers.Flatten(), dense])


@pytest.fixture(scope="module")
def smaller(folder, tmp_path_factory):
    """The same photographs, prepared for 28 pixels."""
    made = Examples(tmp_path_factory.mktemp("smaller"))
    source = open_source(str(folder), made.path)
    generate_examples(made, source=source, image_size=28, num_shards=2, max_rejected=0.0, runner="FnApiRunner", beam_options=())
    return made


@pytest.fixture(scope="module")
def nets(model):
    return [load_model_file(model.path / "model.keras"), net_of(56, 1), net_of(28, 2)]


def images_and_labels(examples, split, size):
    batches = list(central_batches(examples, split, size=size, batch_size=1).as_numpy_iterator())
    return np.concatenate([images for images, _, _ in batches]), np.concatenate([labels for _, labels, _ in batches])


def share(errors):
    return sum(errors) / len(errors)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_equals_an_independent_computation(monkeypatch, nets, examples, smaller, split):
    monkeypatch.setattr(ensemble, "BATCH", 6)  # the last batch is not full
    (images, labels), (small, _) = images_and_labels(examples, split, 56), images_and_labels(smaller, split, 28)
    assert len(labels) % 6
    answers = [net.predict(seen, verbose=0) for net, seen in zip(nets, (images, images, small), strict=True)]
    answers[1] = answers[1][:, [2, 0, 1]]
    expected = [share(answer.argmax(1) != labels) for answer in [*answers, sum(answers)]]
    voters = [Probabilities(nets[0], examples), Probabilities(nets[1], examples, order=[2, 0, 1]), Probabilities(nets[2], smaller)]
    found = measure_ensemble(voters, split)
    assert [each["top1_error"] for each in found] == pytest.approx(expected)
    assert [each["top5_error"] for each in found] == [0, 0, 0, 0]
    assert {each["examples"] for each in found} == {len(labels)}
    assert len(set(expected)) > 2


def test_ten_crops(nets, examples, smaller, statistics):
    mean = statistics.mean_image()
    (images, labels), (small, _) = images_and_labels(examples, "validation", 64), images_and_labels(smaller, "validation", 32)
    answers = [
        np.stack([nets[0](crops + mean[4:60, 4:60]).numpy().mean(0) for crops in ten_crop(images - mean, 56).numpy()]),
        np.stack([nets[2](crops).numpy().mean(0) for crops in ten_crop(small, 28).numpy()]),
    ]
    expected = [share(answer.argmax(1) != labels) for answer in [*answers, sum(answers)]]
    found = measure_ensemble([Probabilities(nets[0], examples, mean=mean), Probabilities(nets[2], smaller)], "validation", ten_crop=True)
    assert [each["top1_error"] for each in found] == pytest.approx(expected)


def test_a_net_that_answers_nan_spoils_the_ensemble(nets, examples):
    broken = net_of(56, 1)
    broken.set_weights([np.full_like(weight, np.nan) for weight in broken.get_weights()])
    found = measure_ensemble([Probabilities(nets[0], examples), Probabilities(broken, examples)], "validation")
    assert [each["top5_error"] for each in found] == [0, 1, 1]


def test_probabilities_are_averaged_rather_than_votes(examples):
    """One net is sure of blue; two lean to green: the mean is blue."""
    answers = []
    for bias in ([5.0, 0, -9], [0.0, 0.1, -9], [0.0, 0.1, -9]):
        net = net_of(56, 0)
        net.set_weights([np.zeros_like(net.get_weights()[0]), np.array(bias)])
        answers.append(Probabilities(net, examples))
    _, labels = images_and_labels(examples, "validation", 56)
    found = [each["top1_error"] for each in measure_ensemble(answers, "validation")]
    assert found == pytest.approx([share(labels != best) for best in (0, 1, 1, 0)])


def test_progress_is_told_of_every_batch(nets, examples, bars):
    measure_ensemble([Probabilities(nets[0], examples)], "train")
    assert [(bar.title, bar.total, len(bar.items)) for bar in bars] == [("Evaluating", 2, 2)]


def test_unknown_split(nets, examples):
    with pytest.raises(ValueError, match="has no split 'test'; it has train, validation"):
        measure_ensemble([Probabilities(nets[0], examples)], "test")


ON_REPLICAS = """
import json, sys
import tensorflow as tf
if sys.argv[1] == "workers":
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
else:
    replicas = int(sys.argv[1])
    devices = [tf.config.LogicalDeviceConfiguration()] * replicas
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    strategy = tf.distribute.MirroredStrategy([f"cpu:{number}" for number in range(replicas)])
from zfnet.components.artifacts import Examples
from zfnet.components.evaluation import ensemble
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.evaluation.saved_model_file import load_model_file
ensemble.BATCH = 3
path, model = sys.argv[2:]
with strategy.scope():
    models = [Probabilities(load_model_file(model), Examples(path), order) for order in ([1, 2, 0], None)]
    found = [ensemble.measure_ensemble(models, "validation", ten_crop=ten_crop) for ten_crop in (False, True)]
print(json.dumps([strategy.num_replicas_in_sync, found]))
"""


@pytest.fixture
def on_replicas(nets, examples, tmp_path):
    """Starts a measurement, in a process of its own: TensorFlow mixes up strategies of different numbers of devices in one process."""
    nets[1].save(tmp_path / "net.keras")
    assert examples.count("validation") % 3

    def start(replicas, **environment):
        arguments = [sys.executable, "-c", ON_REPLICAS, replicas, str(examples.path), str(tmp_path / "net.keras")]
        return subprocess.Popen(arguments, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def on_one(nets, examples):
    """The same in this process, without a strategy."""
    models = [Probabilities(nets[1], examples, order) for order in ([1, 2, 0], None)]
    return [measure_ensemble(models, "validation", ten_crop=ten_crop) for ten_crop in (False, True)]


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_every_example_counts_once_on_any_number_of_replicas(on_replicas, on_one, replicas):
    out, error = on_replicas(str(replicas)).communicate(timeout=200)
    assert out, error[-2000:]
    assert json.loads(out) == [replicas, on_one]


def test_every_example_counts_once_on_two_workers(on_replicas, on_one):
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("localhost", 0)) as other:
        addresses = [f"localhost:{server.getsockname()[1]}" for server in (one, other)]
    configs = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}} for index in (0, 1)]
    workers = [on_replicas("workers", TF_CONFIG=json.dumps(config)) for config in configs]
    try:
        for worker in workers:
            out, error = worker.communicate(timeout=200)
            assert out, error[-2000:]
            assert json.loads(out) == [2, on_one]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
