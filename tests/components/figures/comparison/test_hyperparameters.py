import json

import tensorflow as tf
from etils import epath
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from zfnet.components.figures.comparison.hyperparameters import hyperparameters, write_table, write_training
from zfnet.components.figures.comparison.table import ComparedNet

NET = ComparedNet("zfnet-small", 3_000_000, 0.25, 0.0, 0.5, 0.125, 80.0, 7, "m", "t")
ROW = {"architecture": "zfnet-small", "conv1": 48, "learning_rate": 0.01}


def contents(log) -> dict[str, bytes]:
    events = EventAccumulator(str(log))
    events.Reload()
    return {tag: events.SummaryMetadata(tag).plugin_data.content for tag in events.Tags()["tensors"]}, events


def test_row_of_a_training(tmp_path):
    log = epath.Path(tmp_path / "zfnet-small-1a2b3c")
    log.mkdir()
    (log / "events.out.tfevents.of.something.else").touch()
    for _ in range(2):
        write_training(log, NET, ROW)
    written, events = contents(log)
    start = metadata.parse_session_start_info_plugin_data(written[metadata.SESSION_START_INFO_TAG])
    assert start.group_name == "zfnet-small-1a2b3c"
    values = {name: value.number_value or value.string_value for name, value in start.hparams.items()}
    assert values == ROW
    numbers = {
        tag: [(each.step, float(tf.make_ndarray(each.tensor_proto))) for each in events.Tensors(tag)] for tag in written if "error" in tag
    }
    assert numbers == {
        "trained/training_top1_error": [(7, 0.25)],
        "trained/validation_top1_error": [(7, 0.5)],
        "trained/validation_top5_error": [(7, 0.125)],
    }
    assert json.loads((log / "hyperparameters.json").read_text()) == ROW
    assert len(list(log.glob("events*"))) == 2


def test_columns_are_what_differs_and_what_is_always_of_interest(tmp_path):
    logs = epath.Path(tmp_path)
    alike = {"conv5": 128, "without": ""}
    for number, row in enumerate((ROW, ROW | {"architecture": "alexnet-small", "conv1": 96}, ROW | {"later": 3})):
        (logs / str(number)).mkdir()
        (logs / str(number) / "hyperparameters.json").write_text(json.dumps(row | alike))
    for _ in range(2):
        write_table(logs)
    assert len(list(logs.glob("events*"))) == 1
    experiment = metadata.parse_experiment_plugin_data(contents(logs)[0][metadata.EXPERIMENT_TAG])
    columns = {info.name: info for info in experiment.hparam_infos}
    assert list(columns) == ["architecture", "learning_rate", "conv1"]
    assert list(columns["architecture"].domain_discrete) == ["alexnet-small", "zfnet-small"]
    assert (columns["conv1"].domain_interval.min_value, columns["conv1"].domain_interval.max_value) == (48, 96)
    assert [metric.display_name for metric in experiment.metric_infos] == [
        "validation top-1 error",
        "validation top-5 error",
        "training top-1 error",
    ]


def test_of_a_row():
    assert hyperparameters("zfnet") == {
        "architecture": "zfnet",
        "variation": "",
        "without": "",
        "conv1.kernel": 7,
        "conv1.stride": 2,
        "conv1": 96,
        "conv2": 256,
        "conv3": 384,
        "conv4": 384,
        "conv5": 256,
        "fc6": 4096,
        "fc7": 4096,
    }


def test_what_is_left_out_by_a_row_or_a_variation():
    found = hyperparameters("alexnet-without-3-4:without=fc6,conv1.stride=3,fc7.units=7")
    assert (found["architecture"], found["variation"]) == ("alexnet-without-3-4", "without=fc6,conv1.stride=3,fc7.units=7")
    assert found["without"] == "conv3 conv4 fc6"
    assert [found[name] for name in ("conv1.kernel", "conv1.stride", "conv3", "fc6", "fc7")] == [11, 3, 0, 0, 7]


def test_without_the_first_layer():
    found = hyperparameters("zfnet:without=conv1")
    assert [found[name] for name in ("without", "conv1", "conv1.kernel", "conv1.stride")] == ["conv1", 0, 0, 0]
