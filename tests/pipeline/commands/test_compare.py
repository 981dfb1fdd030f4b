import contextlib
import csv
import io
import json
import pathlib
import shutil
import signal
import subprocess
import sysconfig
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups

from zfnet.components.data.examples.shard import decode_example
from zfnet.pipeline.commands.compare import command
from zfnet.pipeline.orchestration.lock import root_lock
from zfnet.pipeline.orchestration.metadata import open_metadata

WIDTHS = "conv1.filters=8,conv2.filters=16,conv4.filters=16,conv5.filters=16,fc6.units=32"
TINY = f"zfnet-small:{WIDTHS},conv3.filters=16,fc7.units=32"
OTHER = f"zfnet-small:{WIDTHS},conv3.filters=24,conv1.kernel=5,without=fc7"
THIRD = f"zfnet-small:{WIDTHS},without=conv3,fc7.units=32"
# Its first values are beyond what float32 can hold.
DIVERGING = f"{TINY},input_scale=1e38"
# On images of 56 pixels it has 2 x 2 positions where it pools 3 x 3.
TOO_LARGE = "alexnet-small"
OPTIONS = ["--image-size", "56", "--epochs", "2", "--batch-size", "16"]
STEPS = ["ExampleGen", "StatisticsGen", "Trainer", "Evaluator", "TrainingError"]


@pytest.fixture
def compare(folder):
    def run(*architectures: str, out: pathlib.Path):
        return CliRunner().invoke(command, [*architectures, "--data", str(folder), *OPTIONS, "--out", str(out), "--verbose"])

    return run


@pytest.fixture(scope="module")
def out(folder, tmp_path_factory):
    """What is made of two architectures."""
    made = tmp_path_factory.mktemp("compare") / "out"
    done = CliRunner().invoke(command, [TINY, OTHER, "--data", str(folder), *OPTIONS, "--out", str(made), "--verbose"])
    assert done.exit_code == 0, done.output
    return made


def numbers(out: pathlib.Path) -> dict:
    return json.loads((out / "compare.json").read_text())


def executed(out: pathlib.Path) -> list[tuple[str, str | None, str]]:
    with open_metadata(out) as session:
        return [(each.step, each.parameters.get("architecture"), each.status) for each in session.executions()][::-1]


def stored(out: pathlib.Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The central crops of all examples, read without the project's input pipeline."""
    files = sorted((out / "example_gen/1/examples").glob(f"*{split}.tfrecord*"))
    examples = [decode_example(record) for record in tf.data.TFRecordDataset(list(map(str, files))).as_numpy_iterator()]
    images = [np.asarray(Image.open(io.BytesIO(example["image"])), np.float32)[4:60, 4:60] for example in examples]
    return np.stack(images), np.array([example["label"] for example in examples])


def test_features_that_only_one_network_has(out, folder, tmp_path):
    shutil.copytree(out, tmp_path / "copy", symlinks=True)
    before = numbers(out)
    done = CliRunner().invoke(
        command, [TINY, OTHER, "--data", str(folder), *OPTIONS, "--features", "--out", str(tmp_path / "copy"), "--verbose"]
    )
    assert done.exit_code == 0, done.output
    found = numbers(tmp_path / "copy")
    assert f"maps of {TINY} without a match in {OTHER}: conv1 " in done.stdout
    assert [each["names"] for each in found["features"]] == [[TINY, OTHER], [OTHER, TINY]]
    assert [layer["layers"] for layer in found["features"][0]["layers"]] == [[f"conv{number}"] * 2 for number in range(1, 6)]
    assert found["pictures"] == ["compare.png", *(f"compare_features_conv{number}.png" for number in range(1, 6))]
    assert all((tmp_path / "copy" / name).exists() for name in found["pictures"])
    assert [net["validation_top1_error"] for net in found["architectures"]] == [
        net["validation_top1_error"] for net in before["architectures"]
    ]


def test_errors_are_what_measuring_by_hand_gives(out):
    found = numbers(out)
    assert (found["complete"], found["image_size"], found["classes"]) == (True, 56, 3)
    assert found["recipe"] == {
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 0.005,
        "patience": 5,
        "seed": 0,
        "crops": "ten",
        "augmentation": "paper",
    }
    assert [net["architecture"] for net in found["architectures"]] == [TINY, OTHER]
    for net in found["architectures"]:
        model = keras.saving.load_model(out / net["model"], compile=False)
        for split, kind in (("train", "training"), ("validation", "validation")):
            images, labels = stored(out, split)
            assert len(labels) == found["examples"][split]
            wrong = model.predict(images, verbose=0).argmax(axis=1) != labels
            assert net[f"{kind}_top1_error"] == pytest.approx(wrong.mean())
            assert net[f"{kind}_top5_error"] == 0
        assert net["gap"] == net["validation_top1_error"] - net["training_top1_error"]
        weights = [weight.shape for layer in model.layers if layer.name != "mean_image" for weight in layer.get_weights()]
        assert net["parameters"] == sum(map(np.prod, weights))
        assert (net["status"], net["message"], net["epochs"]) == ("done", None, 2)
        assert net["seconds"] > 0


def test_nothing_is_done_twice_and_the_table_shows_what_is_asked_for(out, compare):
    before = executed(out)
    assert [step for step, _, _ in before] == [*STEPS, *STEPS[2:]]
    earlier = numbers(out)
    again = compare(TINY, OTHER, out=out)
    assert again.exit_code == 0
    assert executed(out) == before
    assert numbers(out) == earlier
    assert [line.split()[-1] for line in again.stdout.splitlines() if line.startswith(tuple(STEPS))] == ["unchanged"] * 8
    # One more trains that alone, and others that are there are not shown.
    one_more = compare(THIRD, TINY, out=out)
    assert one_more.exit_code == 0
    assert [(step, architecture) for step, architecture, _ in executed(out)[len(before) :]] == [
        ("Trainer", THIRD),
        ("Evaluator", None),
        ("TrainingError", None),
    ]
    assert [net["architecture"] for net in numbers(out)["architectures"]] == [THIRD, TINY]
    assert numbers(out)["architectures"][1] == earlier["architectures"][0]
    assert compare(TINY, OTHER, out=out).exit_code == 0
    assert numbers(out) == earlier


def test_table_on_the_terminal_and_in_files(out, compare):
    lines = compare(TINY, OTHER, out=out).stdout.splitlines()
    first = numbers(out)["architectures"][0]
    heading = next(number for number, line in enumerate(lines) if line.startswith("error "))
    assert lines[heading].split("  ")[-5:] == ["train top-1", "val top-1", "val top-3", "parameters", "seconds"]
    assert lines[heading + 1].split() == [
        TINY,
        f"{first['training_top1_error']:.1%}",
        f"{first['validation_top1_error']:.1%}",
        "0.0%",
        f"{first['parameters']:,}",
        f"{first['seconds']:,.0f}",
    ]
    assert lines[-2:] == [str(out / "compare.png"), str(out / "compare.json")]
    rows = list(csv.DictReader((out / "compare.csv").read_text().splitlines()))
    assert [float(row["training_top1_error"]) for row in rows] == [net["training_top1_error"] for net in numbers(out)["architectures"]]
    assert f"| `{TINY}` | {first['training_top1_error']:.1%} |" in (out / "compare.md").read_text()
    with Image.open(out / "compare.png") as picture:
        assert picture.width == 1200
    assert not list(out.glob(".*"))


def test_tensorboard_has_curves_and_the_table_of_hyperparameters(out, compare):
    assert compare(TINY, OTHER, out=out).exit_code == 0
    logs = str(out / "tensorboard")
    runs = EventMultiplexer().AddRunsFromDirectory(logs)
    runs.Reload()
    context = backend_context.Context(TBContext(data_provider=MultiplexerDataProvider(runs, logs)))
    asked = api_pb2.GetExperimentRequest(include_metrics=True)
    experiment = get_experiment.Handler(RequestContext(), context, "", asked).run()
    assert {info.name.tag: info.display_name for info in experiment.metric_infos} == {
        "trained/training_top1_error": "training top-1 error",
        "trained/validation_top1_error": "validation top-1 error",
        "trained/validation_top5_error": "validation top-5 error",
    }
    columns = {info.name: info for info in experiment.hparam_infos}
    assert list(columns["architecture"].domain_discrete) == ["zfnet-small"]
    assert (columns["conv1.kernel"].domain_interval.min_value, columns["conv1.kernel"].domain_interval.max_value) == (5, 7)
    every = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=api_pb2.Status.values(), aggregation_type=api_pb2.AGGREGATION_AVG, slice_size=100
    )
    groups = {group.name: group for group in list_session_groups.Handler(RequestContext(), context, "", every).run().session_groups}
    for net in numbers(out)["architectures"]:
        name = pathlib.Path(net["tensorboard"]).name
        row = groups[name]
        metrics = {value.name.tag.removeprefix("trained/"): value.value for value in row.metric_values}
        assert metrics == {kind: pytest.approx(net[kind]) for kind in metrics}
        assert len(metrics) == 3
        values = {key: value.number_value or value.string_value for key, value in row.hparams.items()}
        assert values["parameters"] == net["parameters"]
        assert (values["epochs"], values["batch_size"], values["image_size"]) == (2, 16, 56)
        assert values["learning_rate"] == pytest.approx(0.005)  # The small nets' 0.02 is for batches of 64.
        assert values["variation"] == net["architecture"].partition(":")[2]
        assert {key: values[key] or (0 if key.startswith(("c", "f")) else "") for key in net["hyperparameters"]} == net["hyperparameters"]
        # The curves of the training are beside it.
        assert [event.step for event in runs.Tensors(f"{name}/validation", "epoch/top1_error")] == [1, 2]
    # One description, however often it was written.
    assert len(list((out / "tensorboard").glob("events*"))) == 1


def test_what_fails_does_not_lose_the_others(out, compare, tmp_path):
    done = compare(DIVERGING, TOO_LARGE, TINY, out=tmp_path / "out")
    assert done.exit_code == 1
    assert "Error: 2 of 3 could not be trained." in done.output
    diverging, large, tiny = numbers(tmp_path / "out")["architectures"]
    assert [net["status"] for net in (diverging, large, tiny)] == ["failed", "failed", "done"]
    assert diverging["message"].startswith("The training diverged at step 1 ")
    assert str(tmp_path) not in diverging["message"]
    assert (diverging["training_top1_error"], diverging["gap"], diverging["model"]) == (None, None, None)
    assert diverging["parameters"] == tiny["parameters"]
    assert large["message"].startswith("pool5 needs 3 x 3 positions")
    assert large["parameters"] is None
    # Trained third, it is to the bit what it was trained first.
    third, first = (
        keras.saving.load_model(root / net["model"]) for root, net in ((tmp_path / "out", tiny), (out, numbers(out)["architectures"][0]))
    )
    for left, right in zip(third.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert f"`{TOO_LARGE}` failed: pool5 needs" in (tmp_path / "out/compare.md").read_text()
    assert [line.split()[1:4] for line in done.stdout.splitlines() if line.startswith("alexnet-small  ")] == [["-", "-", "-"]]
    with open_metadata(tmp_path / "out") as session:
        assert [context.status for context in session.contexts()] == ["failed"]
    # When none is left, there are no bars.
    assert compare(TOO_LARGE, out=tmp_path / "out").exit_code == 1
    assert not (tmp_path / "out/compare.png").exists()
    assert numbers(tmp_path / "out")["pictures"] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_it_goes_on(out, compare, folder, tmp_path, forked):
    program = [pathlib.Path(sysconfig.get_path("scripts")) / "zfnet", "compare", TINY, OTHER]
    with subprocess.Popen(forked([*program, "--data", folder, *OPTIONS, "--out", tmp_path / "out"]), stdout=subprocess.DEVNULL) as process:
        while len(list((tmp_path / "out/trainer").glob("checkpoints-*"))) < 2:  # of the first architecture, and of the second
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert [net["architecture"] for net in numbers(tmp_path / "out")["architectures"]] == [TINY]
    assert not numbers(tmp_path / "out")["complete"]
    assert compare(TINY, OTHER, out=tmp_path / "out").exit_code == 0
    trained = [(architecture, status) for step, architecture, status in executed(tmp_path / "out") if step == "Trainer"]
    assert trained == [(TINY, "done"), (OTHER, "failed"), (OTHER, "done")]
    assert compare(TINY, OTHER, out=out).exit_code == 0
    for killed, never in zip(numbers(tmp_path / "out")["architectures"], numbers(out)["architectures"], strict=True):
        assert {name: killed[name] for name in killed if name not in ("seconds", "model")} == {
            name: never[name] for name in never if name not in ("seconds", "model")
        }


@pytest.mark.parametrize(
    ("architectures", "message"),
    [
        (["zfnet-small", "resnet"], "There is no architecture 'resnet'. Choose one of: zfnet"),
        (["zfnet-small:conv1.kernal=3"], "conv1.kernal=3: there is no 'kernal' to change"),
        (["zfnet-small", "zfnet-small:conv1.kernel=7"], "zfnet-small and zfnet-small:conv1.kernel=7 are the same network: name it once."),
    ],
)
def test_architectures_that_are_wrong_fail_before_anything_is_made(compare, tmp_path, architectures, message):
    done = compare(*architectures, out=tmp_path / "out")
    assert done.exit_code == 1
    assert f"Error: {message}" in done.output
    assert not (tmp_path / "out").exists()


def test_out_among_the_photographs(compare, folder):
    done = compare(TINY, out=folder / "blue" / "out")
    assert done.exit_code == 1
    assert "lies inside of DATA" in done.output


def test_out_that_another_process_works_in(compare, tmp_path):
    with root_lock(tmp_path, "zfnet compare"):
        done = compare(TINY, out=tmp_path)
    assert done.exit_code == 1
    assert "is in use by process" in done.output
    assert "or use another --out." in done.output


def test_a_cluster_is_refused(compare, tmp_path, monkeypatch):
    cluster = {"cluster": {"worker": ["localhost:1", "localhost:2"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    done = compare(TINY, out=tmp_path / "out")
    assert done.exit_code == 1
    assert "zfnet compare trains on one machine, but TF_CONFIG names several" in done.output


@pytest.mark.parametrize("arguments", [["--out", "x"], ["zfnet-small"], ["zfnet-small", "--epochs", "0", "--out", "x"]])
def test_wrong_usage(arguments):
    assert CliRunner().invoke(command, arguments).exit_code == 2


def test_the_first_architecture_decides_the_size(tmp_path):
    with contextlib.chdir(tmp_path):
        done = CliRunner().invoke(command, [f"{TINY},input_size=56", TOO_LARGE, "--data", "nothing-there", "--out", "x"])
    assert "alexnet-small was made for images of 96 pixels; here it is trained on 56 pixels, the size of zfnet-small:" in done.output
    assert done.exit_code == 1
    assert (tmp_path / "x" / "metadata.sqlite").exists()
