import importlib
import json
import math
import pathlib

import keras
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = {
    "branches": "docs/speed.md",
    "checks": "docs/deconvnet.md",
    "claims": "docs/deconvnet.md",
    "default_run": "README.md",
    "explore_page": "docs/speed.md",
    "features": "docs/paper.md",
    "fine_tuning": "docs/training.md",
    "first_run": "docs/speed.md",
    "galleries": "docs/speed.md",
    "growth": "docs/speed.md",
    "house": "docs/layout.md",
    "input": "docs/speed.md",
    "matches": "docs/deconvnet.md",
    "near_copies": "docs/data.md",
    "planted_faults": "docs/trust.md",
    "predictions": "docs/speed.md",
    "preprocessing": "docs/speed.md",
    "projections": "docs/speed.md",
    "repeated_calls": "docs/speed.md",
    "run_profile": "docs/speed.md",
    "search": "docs/speed.md",
    "steps_down": "docs/speed.md",
    "suite": "CONTRIBUTING.md",
    "supported": "docs/deconvnet.md",
    "training": "docs/speed.md",
    "training_cost": "docs/speed.md",
    "whole_gallery": "docs/speed.md",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_shows_what_was_measured(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module(name), importlib.import_module("report")
    text = (ROOT / DOCUMENTS[name]).read_text()
    result = json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())
    table = benchmark.table(result)
    assert report.with_table(text, name, table) == text
    assert len(table.splitlines()) > 3


@pytest.mark.parametrize("name", ["preprocessing", "training_cost"])
def test_cost_is_reckoned_from_what_was_measured(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module(name), importlib.import_module("report")
    text = (ROOT / "docs/imagenet.md").read_text()
    result = json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())
    assert report.with_table(text, name, benchmark.cost_table(result)) == text


def test_cores_that_feed_a_gpu_follow_from_the_rates(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module("input"), importlib.import_module("report")
    text = (ROOT / "docs/imagenet.md").read_text()
    result = json.loads((ROOT / "benchmarks" / "input.json").read_text())
    table = benchmark.gpu_table(result)
    assert report.with_table(text, "input", table) == text
    taken = result["sizes"]["224"]["seconds"]["stored"]
    core = 1 / sorted(taken)[len(taken) // 2] / result["machine"]["cores"]
    (row,) = [line.split("|") for line in table.splitlines() if line.startswith("| V100, real photographs |")]
    assert int(row[2].replace(",", "")) == 3861
    assert int(row[3].replace(",", "")) == round(3861 / core)


def test_alexnet_in_one_column_is_counted_as_keras_does(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = importlib.import_module("training_cost")
    layers = keras.layers
    net = keras.Sequential(
        [
            *(keras.Input((227, 227, 3)), layers.Conv2D(64, 11, 4), layers.MaxPooling2D(3, 2), layers.Conv2D(192, 5, padding="same")),
            *(layers.MaxPooling2D(3, 2), *(layers.Conv2D(maps, 3, padding="same") for maps in (384, 384, 256)), layers.MaxPooling2D(3, 2)),
            *(layers.Flatten(), layers.Dense(4096), layers.Dense(4096), layers.Dense(1000)),
        ]
    )
    places = [math.prod(layer.output.shape[1:-1]) * layer.kernel.shape.num_elements() for layer in net.layers if hasattr(layer, "kernel")]
    assert benchmark.alexnet_operations(384) == sum(places)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("paper", ["figure 2", "figure 4", "figure 5", "figure 6", "table 1", "table 2", "table 3"]),
        ("recipe", ["choices", "folders"]),
    ],
)
def test_the_papers_page_shows_what_was_measured(name, parts, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module(name), importlib.import_module("report")
    text = benchmark.DOCUMENT.read_text()
    tables = benchmark.tables(json.loads((ROOT / "benchmarks" / f"{name}.json").read_text()))
    assert list(tables) == parts
    for part, table in tables.items():
        assert report.with_table(text, name, table, part) == text
        assert len(table.splitlines()) > 3


def test_the_profile_of_a_step_is_what_was_measured(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module("step_profile"), importlib.import_module("report")
    text, result = benchmark.DOCUMENT.read_text(), json.loads((ROOT / "benchmarks/step_profile.json").read_text())
    assert report.with_table(text, "step_profile", benchmark.table(result)) == text
    assert report.with_table(text, "step_profile", benchmark.determinism_table(result), "determinism") == text


def test_operations_of_a_step_have_a_group(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = importlib.import_module("step_profile")
    groups = {
        "gradient_tape/zfnet_1/conv2_1/convolution/Conv2DBackpropInput:_MklNativeConv2DBackpropInput": "conv2, gradient of inputs",
        "gradient_tape/zfnet_1/conv1_1/convolution/Conv2DBackpropFilter:Conv2DBackpropFilter": "conv1, gradient of filters",
        "zfnet-small_1/conv1_1/Relu:_MklNativeFusedConv2D": "conv1, forward",
        "gradient_tape/zfnet_1/pool1_1/MaxPool2d/MaxPoolGrad:_MklNativeMaxPoolGrad": "pool1, gradient",
        "mul_6:_MklNativeConv2D": "contrast normalisation, gradient",
        "sgd/update_0_4/Sub:Sub": "optimizer",
        "sgd/SelectV2_1:SelectV2": "clip of filters",
    }
    assert {name: benchmark.group_of(name) for name in groups} == groups
    assert set(benchmark.operations("zfnet-small")) >= {group for group in groups.values() if group.startswith("conv")}


def test_every_benchmark_is_shown():
    others = {
        "evaluation",
        "growth_inputs",
        "paper",
        "pictures",
        "recipe",
        "report",
        "signals",
        "step_profile",
        "steps",
        "tensorboard_pages",
        "textbook",
    }
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - others == set(DOCUMENTS)


def test_machine_is_described(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    report = importlib.import_module("report")
    assert report.machine()["cores"] >= 1
    assert report.machine()["processor"]


def test_tables_replace_only_what_is_between_their_marks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    report = importlib.import_module("report")
    text = "a\n<!-- made by benchmarks/x.py -->\nold\n<!-- end -->\nb\n<!-- made by benchmarks/y.py -->\nkept\n<!-- end -->\n"
    changed = report.with_table(text, "x", "new\n")
    assert changed == text.replace("old", "new")


def test_the_list_of_what_is_supported_is_that_of_the_tables_of_rules(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = importlib.import_module("supported")
    assert json.loads((ROOT / "benchmarks" / "supported.json").read_text())["supported"] == benchmark.collect()
