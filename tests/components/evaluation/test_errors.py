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
from zfnet.components.evaluation import errors as ensemble
from zfnet.components.evaluation.errors import all_gpus, count_errors, measure_ensemble, measure_errors
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
from zfnet.components.evaluation import errors as ensemble
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.inputs.model_file import load_model_file
ensemble.BATCH = 3
path, model = sys.argv[2:]
with strategy.scope():
    models = [Probabilities(load_model_file(model), Examples(path), order) for order in ([1, 2, 0], None)]
    found = [ensemble.measure_ensemble(models, "validation", ten_crop=ten_crop) for ten_crop in (False, True)]
print(json.dumps([strategy.num_replicas_in_sync, found]))
"""


@pytest.fixture(scope="module")
def net(model):
    return load_model_file(model.path / "model.keras")


def test_counts_every_validation_example_once(net, examples):
    whole = [(net(images), labels) for images, labels, _ in central_crops(examples, "validation", size=56, batch_size=1)]
    wrong = sum(int(np.argmax(probabilities)) != int(labels[0]) for probabilities, labels in whole)
    found = measure_errors(net, examples, "validation")
    assert found["examples"] == examples.count("validation") == len(whole)
    assert found["top1_error"] == pytest.approx(wrong / len(whole))
    assert found["top5_error"] == 0  # three classes


def test_a_net_that_answers_alike_for_all_is_always_wrong(examples):
    net = keras.Sequential([keras.Input((56, 56, 3)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax", kernel_initializer="zeros")])
    assert measure_errors(net, examples, "validation")["top1_error"] == 1


def test_ten_crops_are_averaged_less_the_mean(net, examples, statistics):
    mean = statistics.mean_image()
    central = mean[4:60, 4:60]
    wrong = 0
    for images, labels, _ in central_crops(examples, "validation", size=64, batch_size=1):
        # The net subtracts the central mean itself.
        probabilities = net(ten_crop(images - mean, 56)[0] + central).numpy().mean(0)
        wrong += int(probabilities.argmax()) != int(labels[0])
    found = measure_errors(net, examples, "validation", ten_crop_mean=mean)
    assert found["top1_error"] == pytest.approx(wrong / examples.count("validation"))


def test_a_net_of_another_size_is_refused(examples):
    net = keras.Sequential([keras.Input((60, 60, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="takes images of 60 x 60 pixels, not of 56"):
        measure_errors(net, examples, "validation")


def test_without_several_gpus_the_strategy_of_the_scope_stays():
    assert len(tf.config.list_logical_devices("GPU")) < 2
    assert all_gpus() is tf.distribute.get_strategy()
    one = tf.distribute.OneDeviceStrategy("cpu:0")
    with one.scope():
        assert all_gpus() is one


def by_hand(labels, probabilities, counted):
    """Both counts, by sorting: the true class comes after all that score the same, and a row with NaN is wrong."""
    errors = [0, 0]
    for label, row in zip(labels[counted], probabilities[counted], strict=True):
        better = [score for number, score in enumerate(row) if number != label and not score < row[label]]
        for place, k in enumerate((1, 5)):
            errors[place] += bool(np.isnan(row).any()) or len(better) >= min(k, len(row))
    return errors


@pytest.mark.parametrize("classes", [2, 3, 5, 6, 40])
def test_equals_a_count_by_hand(classes):
    rng = np.random.default_rng(classes)
    # Few different values, so that there are many ties.
    probabilities = (rng.integers(0, 8, (300, classes)) / 8).astype("float32")
    probabilities[::17, rng.integers(classes)] = np.nan
    labels, counted = rng.integers(0, classes, 300), rng.random(300) < 0.7
    assert count_errors(labels, probabilities, counted).numpy().tolist() == by_hand(labels, probabilities, counted)


def test_what_fills_up_does_not_count_even_as_nan():
    probabilities = np.array([[0.9, 0.1], [np.nan, np.nan]], "float32")
    assert count_errors([0, 0], probabilities, [True, False]).numpy().tolist() == [0, 0]
    assert count_errors([0, 0], probabilities, [True, True]).numpy().tolist() == [1, 1]


def test_five_guesses_among_five_classes_cannot_miss():
    alike = np.full((4, 5), 0.2, "float32")
    assert count_errors([0, 1, 2, 3], alike, [True] * 4).numpy().tolist() == [4, 0]


def test_lists_count_as_arrays():
    assert count_errors([0, 1, 1], [[0.7, 0.3], [0.6, 0.4], [0.6, 0.4]], [True, True, False]).numpy().tolist() == [1, 0]


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
