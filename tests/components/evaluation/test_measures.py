import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.evaluation import measures
from zfnet.components.evaluation.measures import MEASURES, Measure, all_gpus, evaluate_models, measure_models
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.example_gen import generate_examples
from zfnet.components.inputs.model_file import load_model_file
from zfnet.model import ten_crop

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
from zfnet.components.evaluation import measures
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.inputs.model_file import load_model_file
measures.BATCH = 3
path, model = sys.argv[2:]
with strategy.scope():
    models = [Probabilities(load_model_file(model), Examples(path), order) for order in ([1, 2, 0], None)]
    found = [measures.measure_models(models, "validation", ten_crop=ten_crop) for ten_crop in (False, True)]
print(json.dumps([strategy.num_replicas_in_sync, found]))
"""


@pytest.fixture(scope="module")
def net(model):
    return load_model_file(model.path / "model.keras")


def test_counts_every_validation_example_once(net, examples):
    whole = [(net(images), labels) for images, labels, _ in central_crops(examples, "validation", size=56, batch_size=1)]
    wrong = sum(int(np.argmax(probabilities)) != int(labels[0]) for probabilities, labels in whole)
    found = measure_models([Probabilities(net, examples)], "validation")[0]
    assert found["examples"] == examples.count("validation") == len(whole)
    assert found["top1_error"] == pytest.approx(wrong / len(whole))
    assert found["top5_error"] == 0  # three classes


def test_a_net_that_answers_alike_for_all_is_always_wrong(examples):
    net = keras.Sequential([keras.Input((56, 56, 3)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax", kernel_initializer="zeros")])
    assert measure_models([Probabilities(net, examples)], "validation")[0]["top1_error"] == 1


def test_ten_crops_are_averaged_less_the_mean(net, examples, statistics):
    mean = statistics.mean_image()
    central = mean[4:60, 4:60]
    wrong = 0
    for images, labels, _ in central_crops(examples, "validation", size=64, batch_size=1):
        # The net subtracts the central mean itself.
        probabilities = net(ten_crop(images - mean, 56)[0] + central).numpy().mean(0)
        wrong += int(probabilities.argmax()) != int(labels[0])
    found = measure_models([Probabilities(net, examples, mean=mean)], "validation", ten_crop=True)[0]
    assert found["top1_error"] == pytest.approx(wrong / examples.count("validation"))


def test_without_several_gpus_the_strategy_of_the_scope_stays():
    assert len(tf.config.list_logical_devices("GPU")) < 2
    assert all_gpus() is tf.distribute.get_strategy()
    one = tf.distribute.OneDeviceStrategy("cpu:0")
    with one.scope():
        assert all_gpus() is one


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
    batches = list(central_crops(examples, split, size=size, batch_size=1).as_numpy_iterator())
    return np.concatenate([images for images, _, _ in batches]), np.concatenate([labels for _, labels, _ in batches])


def share(errors):
    return sum(errors) / len(errors)


def sum_log_losses(labels, probabilities, counted):
    losses = -tf.math.log(tf.gather(probabilities, labels, batch_dims=1))
    return tf.reduce_sum(tf.where(counted, losses, 0))


def count_errors_by_class(labels, probabilities, counted):
    """Images and errors of each class: `(classes, 2)`."""
    wrong = tf.argmax(probabilities, axis=1) != labels
    images_and_errors = tf.cast(tf.stack([counted, counted & wrong], axis=1), tf.float32)
    return tf.matmul(tf.one_hot(labels, probabilities.shape[-1]), images_and_errors, transpose_a=True)


def test_a_measure_is_added_by_one_line(monkeypatch, nets, examples, smaller):
    monkeypatch.setattr(measures, "BATCH", 6)  # black images fill up the last batch
    log_loss = Measure(sum_log_losses, lambda losses, examples: {"log_loss": float(losses) / examples})
    by_class = Measure(count_errors_by_class, lambda counts, _: {"error_by_class": (counts[:, 1] / counts[:, 0]).tolist()})
    monkeypatch.setattr(measures, "MEASURES", [*MEASURES, log_loss, by_class])
    (images, labels), (small, _) = images_and_labels(examples, "train", 56), images_and_labels(smaller, "train", 28)
    answers = [nets[1].predict(images, verbose=0), nets[2].predict(small, verbose=0)]
    answers.append((answers[0] + answers[1]) / 2)
    found = measure_models([Probabilities(nets[1], examples), Probabilities(nets[2], smaller)], "train")
    for numbers, answer in zip(found, answers, strict=True):
        assert list(numbers) == ["top1_error", "top5_error", "log_loss", "error_by_class", "examples"]
        assert numbers["log_loss"] == pytest.approx(-np.log(answer[np.arange(len(labels)), labels]).mean(), rel=1e-4)
        assert numbers["error_by_class"] == pytest.approx([share(answer[labels == each].argmax(1) != each) for each in range(3)])


@pytest.mark.parametrize("split", ["train", "validation"])
def test_equals_an_independent_computation(monkeypatch, nets, examples, smaller, split):
    monkeypatch.setattr(measures, "BATCH", 6)  # the last batch is not full
    (images, labels), (small, _) = images_and_labels(examples, split, 56), images_and_labels(smaller, split, 28)
    assert len(labels) % 6
    answers = [net.predict(seen, verbose=0) for net, seen in zip(nets, (images, images, small), strict=True)]
    answers[1] = answers[1][:, [2, 0, 1]]
    expected = [share(answer.argmax(1) != labels) for answer in [*answers, sum(answers)]]
    voters = [Probabilities(nets[0], examples), Probabilities(nets[1], examples, order=[2, 0, 1]), Probabilities(nets[2], smaller)]
    found = measure_models(voters, split)
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
    found = measure_models([Probabilities(nets[0], examples, mean=mean), Probabilities(nets[2], smaller)], "validation", ten_crop=True)
    assert [each["top1_error"] for each in found] == pytest.approx(expected)


def test_ten_crops_have_names_of_their_own(nets, examples):
    model = Probabilities(nets[1], examples)
    central, crops = (measure_models([model], "validation", ten_crop=ten_crop)[0] for ten_crop in (False, True))
    of_crops = {"top1_error_ten_crop": crops["top1_error"], "top5_error_ten_crop": crops["top5_error"]}
    assert evaluate_models([model], "validation", ten_crop=True)[0] == central | of_crops
    assert evaluate_models([model], "validation", ten_crop=False)[0] == central | dict.fromkeys(of_crops)


def test_a_net_that_answers_nan_spoils_the_ensemble(nets, examples):
    broken = net_of(56, 1)
    broken.set_weights([np.full_like(weight, np.nan) for weight in broken.get_weights()])
    found = measure_models([Probabilities(nets[0], examples), Probabilities(broken, examples)], "validation")
    assert [each["top5_error"] for each in found] == [0, 1, 1]


def test_probabilities_are_averaged_rather_than_votes(examples):
    """One net is sure of blue; two lean to green: the mean is blue."""
    answers = []
    for bias in ([5.0, 0, -9], [0.0, 0.1, -9], [0.0, 0.1, -9]):
        net = net_of(56, 0)
        net.set_weights([np.zeros_like(net.get_weights()[0]), np.array(bias)])
        answers.append(Probabilities(net, examples))
    _, labels = images_and_labels(examples, "validation", 56)
    found = [each["top1_error"] for each in measure_models(answers, "validation")]
    assert found == pytest.approx([share(labels != best) for best in (0, 1, 1, 0)])


def test_progress_is_told_of_every_batch(nets, examples, bars):
    measure_models([Probabilities(nets[0], examples)], "train")
    assert [(bar.title, bar.total, len(bar.items)) for bar in bars] == [("Evaluating", 2, 2)]


def test_unknown_split(nets, examples):
    with pytest.raises(ValueError, match="has no split 'test'; it has train, validation"):
        measure_models([Probabilities(nets[0], examples)], "test")


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
    return [measure_models(models, "validation", ten_crop=ten_crop) for ten_crop in (False, True)]


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
