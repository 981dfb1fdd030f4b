import json
import os
import socket
import subprocess
import sys
import tracemalloc

import keras
import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.evaluation import answers
from zfnet.components.evaluation.answers import Answers, answer_rows, answer_split
from zfnet.components.evaluation.measures import (
    all_gpus,
    by_class,
    by_slice,
    calibrate,
    errors,
    evaluate_models,
    list_mistakes,
    tell_mistakes,
)
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.example_gen import generate_examples
from zfnet.components.inputs.model_file import load_model_file
from zfnet.model import ten_crop
from zfnet.model.net.evaluation import top_k_error

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
from zfnet.components.evaluation import answers
from zfnet.components.evaluation.probabilities import Probabilities
from zfnet.components.inputs.model_file import load_model_file
answers.BATCH = 3
path, model = sys.argv[2:]
with strategy.scope():
    models = [Probabilities(load_model_file(model), Examples(path), order) for order in ([1, 2, 0], None)]
    found = [answers.answer_split(models, "validation", ten_crop=ten_crop) for ten_crop in (False, True)]
print(json.dumps([strategy.num_replicas_in_sync, [[[column.tolist() for column in each[:5]] for each in many] for many in found]]))
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


def measure_models(models, split, ten_crop=False):
    return [errors(each) | {"examples": len(each.labels)} for each in answer_split(models, split, ten_crop=ten_crop)]


def images_and_labels(examples, split, size):
    batches = list(central_crops(examples, split, size=size, batch_size=1).as_numpy_iterator())
    return np.concatenate([images for images, _, _ in batches]), np.concatenate([labels for _, labels, _ in batches])


def share(errors):
    return sum(errors) / len(errors)


def random_answers(classes, ties=False):
    rng = np.random.default_rng(classes)
    scores = rng.integers(1, 8, (400, classes)) / 8 if ties else rng.dirichlet(np.ones(classes), 400)
    labels = rng.integers(0, classes - 1, 400)  # the last class has no example
    if ties:
        scores[::17, rng.integers(classes)] = np.nan
    return Answers.of(answer_rows(labels, scores).numpy(), classes), labels, scores


@pytest.mark.parametrize("classes", [2, 3, 5, 6, 40])
def test_errors_are_those_of_top_k_error_with_ties_and_nan(classes):
    found, labels, scores = random_answers(classes, ties=True)
    wrong = [float(top_k_error(labels, scores, min(k, classes)).numpy().mean(dtype=float)) for k in (1, 5)]
    assert list(errors(found).values()) == pytest.approx(wrong, abs=1e-12)
    assert ((found.predicted == labels) == (found.ranks == 1)).all()
    assert np.isfinite([found.probabilities, found.of_class]).all()


@pytest.mark.parametrize("classes", [7, 40])
def test_the_table_is_that_of_scikit_learn(classes):
    found, labels, scores = random_answers(classes)
    assert found.predicted.tolist() == scores.argmax(1).tolist()
    assert found.probabilities.tolist() == scores.max(1).tolist()
    accuracy = [sklearn.metrics.top_k_accuracy_score(labels, scores, k=k, labels=range(classes)) for k in (1, 5)]
    assert list(errors(found).values()) == pytest.approx([1 - each for each in accuracy])
    matrix = sklearn.metrics.confusion_matrix(labels, scores.argmax(1), labels=range(classes))
    wrong = matrix - np.diag(np.diag(matrix))
    right, share = sklearn.calibration.calibration_curve(scores.argmax(1) == labels, scores.max(1), n_bins=15)
    bins = calibrate(found)["calibration"]
    assert [each["accuracy"] for each in bins] == pytest.approx(right)
    assert [each["confidence"] for each in bins] == pytest.approx(share)
    rows = by_class(found, list(map(str, range(classes))))
    assert rows[-1] == {"class": str(classes - 1), "examples": 0, "top1_error": None, "top5_error": None, "mistaken_for": []}
    for label, row in enumerate(rows[:-1]):
        assert row["top1_error"] == pytest.approx(1 - matrix[label, label] / matrix[label].sum())
        assert [each["examples"] for each in row["mistaken_for"]] == sorted(wrong[label][wrong[label] > 0], reverse=True)[:3]


def test_ten_thousand_classes_take_the_memory_of_their_examples():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 10_000, (2, 20_000))
    found = Answers.of(np.stack([labels, predicted, rng.random(20_000), 1 + (labels != predicted), rng.random(20_000)], 1), 10_000)
    names, ids = [f"class {number}" for number in range(10_000)], [f"photo {number}" for number in range(20_000)]
    tracemalloc.start()
    told = tell_mistakes(found, names, ids)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6  # a matrix of all pairs has 800 MB
    assert len(told["classes"]) == 10_000
    wrong = labels == 7
    assert {each["class"] for each in told["classes"][7]["mistaken_for"]} <= {names[other] for other in predicted[wrong]}
    assert told["classes"][7]["examples"] == wrong.sum()


def test_one_model_is_asked_once_and_is_its_own_ensemble(net, examples, monkeypatch):
    asked = []
    monkeypatch.setattr(answers, "answer_rows", lambda *batch: asked.append(batch) or answer_rows(*batch))
    alone, ensemble = answer_split([Probabilities(net, examples)], "validation")
    assert len(asked) == 1  # in the trace
    assert all(np.array_equal(one, other) for one, other in zip(alone, ensemble, strict=True))
    assert len(answer_split([Probabilities(net, examples)] * 2, "validation")) == 3
    assert len(asked) == 4


def test_the_most_confident_mistakes():
    found, labels, scores = random_answers(7)
    wrong = [place for place in range(400) if scores[place].argmax() != labels[place]]
    worst = sorted(wrong, key=lambda place: -scores[place].max())[:10]
    mistakes = list_mistakes(found, list("abcdefg"), [f"photo {place}" for place in range(400)], 10)
    assert [each["id"] for each in mistakes] == [f"photo {place}" for place in worst]
    assert [each["probability_of_class"] for each in mistakes] == [scores[place, labels[place]] for place in worst]


def test_slices():
    found, labels, scores = random_answers(7)
    values = ["phone" if place % 4 else "" for place in range(400)]
    wrong = scores.argmax(1) != labels
    assert [(each["value"], each["examples"], each["top1_error"]) for each in by_slice(found, values)] == [
        ("phone", 300, share([wrong[place] for place in range(400) if place % 4])),
        ("", 100, share(wrong[::4])),
    ]


def test_the_smallest_slices_together():
    found, labels, scores = random_answers(7)
    values = [["a", "b", "a", "c", "long" * 100][place % 5] for place in range(400)]
    rest = [place for place in range(400) if place % 5 > 2]
    wrong = scores.argmax(1) != labels
    first, second, others = by_slice(found, values, most=2)
    assert (first["value"], first["examples"], second["value"], second["examples"]) == ("a", 160, "b", 80)
    assert (others["value"], others["examples"], others["top1_error"]) == (None, 160, share(wrong[rest]))
    assert [len(each["value"]) for each in by_slice(found, values)] == [1, 1, 1, 200]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_equals_an_independent_computation(monkeypatch, nets, examples, smaller, split):
    monkeypatch.setattr(answers, "BATCH", 6)  # the last batch is not full
    (images, labels), (small, _) = images_and_labels(examples, split, 56), images_and_labels(smaller, split, 28)
    assert len(labels) % 6
    predicted = [net.predict(seen, verbose=0) for net, seen in zip(nets, (images, images, small), strict=True)]
    predicted[1] = predicted[1][:, [2, 0, 1]]
    expected = [share(answer.argmax(1) != labels) for answer in [*predicted, sum(predicted)]]
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
    central, crops = (answer_split([model], "validation", ten_crop=ten_crop)[0] for ten_crop in (False, True))
    numbers, of_crops = ({**errors(each), **calibrate(each)} for each in (central, crops))
    of_crops, numbers = {f"{name}_ten_crop": value for name, value in of_crops.items()}, numbers | {"examples": len(central.labels)}
    assert evaluate_models([model], "validation", ten_crop=True)[0][1] == numbers | of_crops
    assert evaluate_models([model], "validation", ten_crop=False)[0][1] == numbers | dict.fromkeys(of_crops)


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
def on_replicas(nets, examples, tmp_path, forked):
    """Starts a measurement, in a process of its own: TensorFlow mixes up strategies of different numbers of devices in one process."""
    nets[1].save(tmp_path / "net.keras")
    assert examples.count("validation") % 3

    def start(replicas, **environment):
        arguments = [sys.executable, "-c", ON_REPLICAS, replicas, str(examples.path), str(tmp_path / "net.keras")]
        return subprocess.Popen(forked(arguments), env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def on_one(nets, examples):
    """The same in this process, without a strategy."""
    models = [Probabilities(nets[1], examples, order) for order in ([1, 2, 0], None)]
    return [answer_split(models, "validation", ten_crop=ten_crop) for ten_crop in (False, True)]


def check_alike(found, expected):
    """Every column of the tables, in order; another size of batch may round probabilities otherwise."""
    for ours, theirs in zip([each for many in found for each in many], [each for many in expected for each in many], strict=True):
        for column, other in zip(ours, theirs[:5], strict=True):
            assert column == pytest.approx(other.tolist(), rel=1e-5)


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_every_example_counts_once_on_any_number_of_replicas(on_replicas, on_one, replicas):
    out, error = on_replicas(str(replicas)).communicate(timeout=200)
    assert out, error[-2000:]
    count, found = json.loads(out)
    assert count == replicas
    check_alike(found, on_one)


def test_every_example_counts_once_on_two_workers(on_replicas, on_one):
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("localhost", 0)) as other:
        addresses = [f"localhost:{server.getsockname()[1]}" for server in (one, other)]
    configs = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}} for index in (0, 1)]
    workers = [on_replicas("workers", TF_CONFIG=json.dumps(config)) for config in configs]
    try:
        for worker in workers:
            out, error = worker.communicate(timeout=200)
            assert out, error[-2000:]
            count, found = json.loads(out)
            assert count == 2
            check_alike(found, on_one)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
