import json
import pathlib
import subprocess
import sys
import sysconfig

import click
import numpy as np
import pytest
from PIL import Image

from zfnet.components.training.start import start_digest
from zfnet.model.net.build import build
from zfnet.pipeline.commands.run import report, start_choices
from zfnet.pipeline.commands.runs import lineage_lines
from zfnet.pipeline.orchestration.lineage import read_lineage, read_runs
from zfnet.pipeline.orchestration.lock import root_lock
from zfnet.pipeline.run_config import RunConfig, choose


@pytest.mark.parametrize(
    ("config_name", "choices", "data", "epochs"),
    [
        (None, {}, "photo_patches", 10),
        (None, {"data": "birds", "epochs": 3}, "birds", 3),
        (None, {"data": "photo_patches"}, "photo_patches", 10),
        ("folder", {"data": "birds"}, "birds", None),
        ("photo_patches", {"data": "birds", "epochs": 1}, "birds", 1),
    ],
)
def test_choices_change_the_configuration(config_name, choices, data, epochs):
    config = choose(config_name, choices)
    assert (config.data, config.recipe.epochs) == (data, epochs)


def test_choices_change_what_is_shrunk():
    assert tuple(choose(None, choices, local=True).recipe.epochs for choices in ({}, {"epochs": 3})) == (2, 3)
    config = choose("imagenet2012", {"data": "prepared"}, local=True)
    assert (config.data, config.recipe.architecture) == ("prepared", "zfnet-small")


def test_configuration_without_data_needs_some():
    with pytest.raises(click.UsageError, match="folder needs --data"):
        choose("folder", {})


@pytest.fixture
def finished_run(tmp_path):
    """What a run leaves that another can start from."""
    model, examples = tmp_path / "run/trainer/4/model", tmp_path / "run/example_gen/1/examples"
    for folder in (model, examples):
        folder.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"weights")
    (model / "recipe.json").write_text(json.dumps({"architecture": "alexnet-small"}))
    (examples / "manifest.json").write_text(json.dumps({"image_size": 80}))
    artifacts = {"model": "trainer/4/model/model.keras", "examples": "example_gen/1/examples"}
    (tmp_path / "run/run.json").write_text(json.dumps({"artifacts": artifacts}))
    return tmp_path / "run"


def test_start_from_a_run_takes_its_architecture_and_size(finished_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    choices = {"start_from": "run", "architecture": None, "image_size": None, "data": "birds"}
    file = str(finished_run / "trainer/4/model/model.keras")
    assert start_choices(choices) == {"start_from": file, "architecture": "alexnet-small", "image_size": 80, "data": "birds"}
    chosen = start_choices(choices | {"architecture": "zfnet", "image_size": 64})
    assert (chosen["architecture"], chosen["image_size"]) == ("zfnet", 64)


def test_start_from_a_file_or_a_name(tmp_path):
    (tmp_path / "mine.keras").write_bytes(b"weights")
    open_choices = {"architecture": None, "image_size": None}
    assert start_choices(open_choices | {"start_from": None}) == open_choices | {"start_from": None}
    mine = str(tmp_path / "mine.keras")
    assert start_choices(open_choices | {"start_from": mine}) == open_choices | {"start_from": mine}
    named = start_choices(open_choices | {"start_from": "imgclsmob:zfnet?weights=none"})
    assert (named["architecture"], named["start_from"]) == ("imgclsmob-zfnet", "imgclsmob:zfnet?weights=none")


@pytest.mark.parametrize(
    ("start", "error"),
    [("nowhere.keras", "There is no model file nowhere.keras"), ("keras:VGG160", "no net 'VGG160'. Did you mean")],
)
def test_start_that_is_not_there(start, error):
    with pytest.raises(ValueError, match=error):
        start_choices({"start_from": start, "architecture": None, "image_size": None})


@pytest.mark.parametrize(
    ("classes", "errors"),
    [(6, "top-1 error 92.3%, top-5 error 50.0%, with ten crops 91.0% and 49.0%"), (5, "top-1 error 92.3%, with ten crops 91.0%")],
)
def test_report_says_what_came_of_it(capsys, tmp_path, monkeypatch, classes, errors):
    monkeypatch.chdir(tmp_path)
    examples = pathlib.Path("birds_run/example_gen/1/examples")
    examples.mkdir(parents=True)
    (examples / "manifest.json").write_text(json.dumps({"labels": list("abcdef")[:classes]}))
    summary = {
        "status": "not_blessed",
        "message": "No better than guessing.",
        "metrics": {
            "top1_error": 0.9234,
            "top5_error": 0.5,
            "top1_error_ten_crop": 0.91,
            "top5_error_ten_crop": 0.49,
            "structured": 0.7083,
        },
        "examples": {"train": 8000, "validation": 2000, "rejected": 3},
        "seconds": {"Trainer": 60.0, "Evaluator": 5.0},
        "anomalies": [
            {"kind": "tiny_class", "message": "Class cat is tiny."},
            {"kind": "near_copy", "message": "A copy."},
            {"kind": "near_copy", "message": "A copy."},
        ],
        "artifacts": {"examples": "example_gen/1/examples", "model": "trainer/3/model/model.keras", "figures": "figures", "serving": None},
    }
    report(pathlib.Path("birds_run"), RunConfig("birds"), summary)
    assert capsys.readouterr().out.splitlines() == [
        "",
        f"Result       {errors}, on 2,000 validation examples of birds",
        "Filters      71% of those in the first layer have structure",
        "Not blessed  No better than guessing.",
        "Model        birds_run/trainer/3/model/model.keras",
        "Pictures     birds_run/figures",
        "Report       zfnet report --root birds_run",
        "TensorBoard  zfnet tensorboard --root birds_run",
        "Rejected     3 photographs, see birds_run/example_gen/1/examples/rejected.jsonl",
        "Anomalies    1 tiny_class, 2 near_copy, see birds_run/run.json; the first: Class cat is tiny.",
        "Time         65.0 s",
    ]
    evaluation = pathlib.Path("birds_run/evaluator/5/evaluation")
    evaluation.mkdir(parents=True)
    (evaluation / "evaluation.json").write_text(json.dumps({"reason": "Better than guessing."}))
    summary |= {"status": "done", "message": None}
    summary["artifacts"]["evaluation"] = "evaluator/5/evaluation"
    report(pathlib.Path("birds_run"), RunConfig("birds"), summary)
    assert capsys.readouterr().out.splitlines()[3] == "Blessed      Better than guessing."


@pytest.fixture
def run(tmp_path, forked):
    """Runs `zfnet run` on photographs of two classes that look the same; returns what came of it and run.json."""
    for split, count in (("train", 4), ("validation", 2)):
        for name in ("cat", "dog"):
            directory = tmp_path / "photographs" / split / name
            directory.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (80, 60), "grey").save(directory / f"{number}.jpg")
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"

    def start(*options: str, program: tuple | None = None) -> tuple[subprocess.CompletedProcess, dict]:
        command = [
            *(program or forked([zfnet])),
            "run",
            "--data",
            "photographs",
            "--root",
            "root",
            "--image-size",
            "64",
            "--epochs",
            "1",
            *options,
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done, json.loads((tmp_path / "root/run.json").read_text())

    return start


HEAVY = """
import sys
from zfnet.pipeline.cli.main import main
code = main(standalone_mode=False)
print(sorted({"tensorflow", "keras", "apache_beam"} & sys.modules.keys()))
sys.exit(code)
"""


# Few maps, and so few on the page of all maps.
NARROW = ",".join(f"conv{number}.filters=6" for number in range(1, 6))


def test_exit_codes_of_a_model_that_learned_nothing(run, tmp_path):
    narrow = ("--architecture", f"alexnet-small:{NARROW},fc6.units=8,fc7.units=8")
    done, summary = run(*narrow)
    assert (done.returncode, done.stderr) == (3, "")
    assert "Not blessed" in done.stdout
    assert summary["status"] == "not_blessed"
    assert (tmp_path / "root" / summary["artifacts"]["model"]).is_file()
    assert list((tmp_path / "root" / summary["artifacts"]["figures"]).glob("*.png"))
    assert summary["artifacts"]["serving"] is None
    assert summary["anomalies"]

    again, summary = run(*narrow, program=(sys.executable, "-c", HEAVY))
    assert again.returncode == 3
    assert again.stdout.splitlines()[-1] == "[]"
    assert summary["cached"] == list(summary["seconds"])

    strict, summary = run("--strict", *narrow)
    assert strict.returncode == 1
    assert strict.stderr.startswith("Error: ")
    assert strict.stderr.count("\n") == 1
    assert summary["status"] == "failed"
    assert summary["cached"] == ["ExampleGen", "StatisticsGen", "ExampleValidator"]

    demanding, summary = run(*narrow, "--bless", "top1_error<0.1", "--bless", "top1_error[*] <= 1")
    assert (demanding.returncode, summary["status"]) == (3, "not_blessed")
    assert summary["message"].endswith("; top1_error is 0.5, expected top1_error<0.1")
    assert {*summary["seconds"]} - {*summary["cached"]} == {"Evaluator", "Visualizer", "Pusher"}

    unknown, summary = run(*narrow, "--bless", "top1_error[bird]<0.1")
    assert unknown.stderr == "Error: top1_error[bird]<0.1: there is no class 'bird' in the data; there are cat, dog.\n"
    assert (unknown.returncode, summary["seconds"]) == (1, {})

    anyway, summary = run(*narrow, "--push-anyway", "to try the server")
    assert (anyway.returncode, anyway.stderr, summary["status"]) == (0, "", "pushed_anyway")
    assert summary["message"].endswith("; pushed anyway: to try the server")
    assert {*summary["seconds"]} - {*summary["cached"]} == {"Pusher"}
    assert (tmp_path / "root" / summary["artifacts"]["serving"] / "saved_model.pb").is_file()
    pushed = read_lineage(tmp_path / "root", None)
    assert pushed["parameters"]["push_anyway"] == pushed["outputs"]["serving"]["properties"]["pushed_anyway"] == "to try the server"


def test_fine_tuning_is_recorded_and_drawn(run, tmp_path):
    narrow = f"zfnet-small:{NARROW}"
    start = build(narrow, (64, 64, 3), 4, mean_image=np.full((64, 64, 3), 128.0), seed=3)
    start.save(tmp_path / "mine.keras")
    options = ("--architecture", f"{narrow},fc7.units=8", "--start-from", "mine.keras", "--freeze", "conv1..conv3")
    done, summary = run(*options)
    assert (done.returncode, done.stderr) == (3, "")
    assert f"Started from {tmp_path}/mine.keras: conv1, conv2, conv3, conv4, conv5, fc6. New: fc7, predictions." in done.stdout
    figures = tmp_path / "root" / summary["artifacts"]["figures"]
    assert {"fine_tuning_weights.png", "fine_tuning_conv1.png"} <= {path.name for path in figures.iterdir()}
    changes = json.loads((figures / "fine_tuning.json").read_text())["weight_changes"]
    assert [layer for layer, change in changes.items() if not change] == ["conv1", "conv2", "conv3"]

    trainer = read_lineage(tmp_path / "root", summary["artifacts"]["model"].partition("/model")[0])
    assert trainer["parameters"]["start_digest"] == start_digest(str(tmp_path / "mine.keras"))
    assert trainer["parameters"]["freeze"] == "conv1..conv3"
    assert trainer["outputs"]["model"]["properties"] == {"start_layers": [*changes][:6], "new_layers": ["fc7", "predictions"]}
    shown = " ".join(click.unstyle("\n".join(lineage_lines(trainer, 400))).split())
    assert "start_layers=conv1, conv2, conv3, conv4, conv5, fc6 new_layers=fc7, predictions" in shown


def test_unknown_architecture_fails_before_photographs_are_prepared(run):
    done, summary = run("--architecture", "resnet")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("Error: There is no architecture 'resnet'. Choose one of: ")
    assert (summary["status"], summary["seconds"]) == ("failed", {})
    assert summary["message"].startswith("There is no architecture 'resnet'")


def test_root_among_the_photographs(tmp_path, forked):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (80, 60)).save(tmp_path / name / "1.png")
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
    done = subprocess.run(forked([zfnet, "run", "--data", "."]), cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "zfnet_run lies inside of DATA ." in done.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["cat", "dog"]


def test_run_waits_for_its_root_and_is_recorded_where_it_is_told(tmp_path, forked):
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
    options = ["--data", "./none", "--root", "root", "--metadata", "sqlite:///runs.sqlite"]
    with root_lock(tmp_path / "root", "zfnet run --epochs 9"):
        refused = subprocess.run(forked([zfnet, "run", *options]), cwd=tmp_path, capture_output=True, text=True)
        waiting = subprocess.Popen(
            forked([zfnet, "run", *options, "--wait"]), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert "(zfnet run --epochs 9). Waiting for it to end." in waiting.stdout.readline()
        assert not (tmp_path / "root/run.json").exists()
    assert (refused.returncode, "(zfnet run --epochs 9). Wait for it" in refused.stderr) == (1, True)
    assert waiting.communicate(timeout=60)[1].startswith("Error: DATA './none' does not exist")
    assert [(run["command"], run["status"]) for run in read_runs(tmp_path / "root", f"sqlite:///{tmp_path}/runs.sqlite")] == [
        ("zfnet run --data ./none --root root --metadata sqlite:///runs.sqlite --wait", "failed")
    ]
    assert not (tmp_path / "root/metadata.sqlite").exists()
