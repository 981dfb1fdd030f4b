import contextlib
import json
import pathlib
import subprocess
import sys
import threading
import time
import types

import pytest
from etils import epath

from zfnet.components.artifacts import Evaluation, Serving
from zfnet.components.training.cluster_task import Task
from zfnet.pipeline.run_pipeline import ANNOUNCED, announced_run, follow_run, publish_figures, summarize

# A pipeline of the real artifacts, each as small as can be, behind a command as `zfnet run` is one.
PROGRAM = """
import json
import pathlib

import click

from zfnet.components.artifacts import Anomalies, Evaluation, Examples, Figures, Input, Model, Output, Serving, Setting
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.run_pipeline import run_pipeline
from zfnet.pipeline.orchestration.step import Step


def generate(examples: Output[Examples]) -> None:
    splits = {"train": {"examples": 8}, "validation": {"examples": 2}}
    (examples.path / "manifest.json").write_text(json.dumps({"splits": splits, "rejected": 1}))


def check(examples: Input[Examples], anomalies: Output[Anomalies]) -> None:
    (anomalies.path / "anomalies.json").write_text(json.dumps([{"kind": "tiny", "message": "Class cat is tiny."}]))


def train(examples: Input[Examples], model: Output[Model], *, works: bool) -> None:
    if not works:
        raise ValueError("The class\\ncat is empty: remove it.")
    (model.path / "model.keras").write_text("model")
    (model.path / "pictures").mkdir()
    (model.path / "pictures" / "evolution.png").write_text("evolution")


def evaluate(model: Input[Model], evaluation: Output[Evaluation], *, error: float) -> None:
    measured = {"top1_error": error, "top5_error": 0.0, "top1_error_ten_crop": None, "top5_error_ten_crop": None, "examples": 2}
    (evaluation.path / "evaluation.json").write_text(json.dumps({**measured, "blessed": error < 0.5, "reason": f"error {error}"}))


def visualize(model: Input[Model], figures: Output[Figures]) -> None:
    for name in ("gallery_conv1.png", "gallery.json", "explore.html"):
        (figures.path / name).write_text(name)


def push(evaluation: Input[Evaluation], serving: Output[Serving]) -> None:
    version = 7 if evaluation.read_json("evaluation.json")["blessed"] else None
    (serving.path / "version.json").write_text(json.dumps({"version": version}))


def declare(works: bool, error: float) -> list[Step]:
    example_gen = Step("ExampleGen", generate, {})
    validator = Step("ExampleValidator", check, {"examples": example_gen.output("examples")})
    trainer = Step("Trainer", train, {"examples": example_gen.output("examples"), "works": works})
    evaluator = Step("Evaluator", evaluate, {"model": trainer.output("model"), "error": error})
    visualizer = Step("Visualizer", visualize, {"model": trainer.output("model")})
    pusher = Step("Pusher", push, {"evaluation": evaluator.output("evaluation")})
    return [example_gen, validator, trainer, evaluator, visualizer, pusher]


@click.command(cls=Command)
@click.option("--root", type=click.Path(path_type=pathlib.Path))
@click.option("--error", default=0.25)
@click.option("--works/--fails", default=True)
@click.option("--no-data", is_flag=True)
def main(root, error, works, no_data):
    def declared():
        if no_data:
            raise ValueError("No photographs.")
        return declare(works, error)

    run_pipeline(root, declared, "zfnet run")


main()
"""
NOTHING = {"train": None, "validation": None, "rejected": None}


@pytest.fixture
def run(tmp_path):
    """Runs the pipeline under ROOT and returns what came of it and run.json."""
    program, root = tmp_path / "program.py", tmp_path / "root"
    program.write_text(PROGRAM)

    def start(*options: str) -> tuple[subprocess.CompletedProcess, dict]:
        done = subprocess.run([sys.executable, program, "--root", root, *options], capture_output=True, text=True)
        return done, json.loads((root / "run.json").read_text())

    return start


def test_run_is_summed_up(run):
    done, summary = run()
    assert done.returncode == 0, done.stderr
    steps = ["ExampleGen", "ExampleValidator", "Trainer", "Evaluator", "Visualizer", "Pusher"]
    assert list(summary["seconds"]) == steps
    assert all(seconds > 0 for seconds in summary.pop("seconds").values())
    assert set(summary.pop("versions")) == {"python", "zfnet", "tensorflow", "keras", "apache-beam", "tensorflow-datasets"}
    assert summary == {
        "status": "done",
        "message": None,
        "metrics": {"top1_error": 0.25, "top5_error": 0.0, "top1_error_ten_crop": None, "top5_error_ten_crop": None, "structured": None},
        "examples": {"train": 8, "validation": 2, "rejected": 1},
        "cached": [],
        "anomalies": [{"kind": "tiny", "message": "Class cat is tiny."}],
        "artifacts": {
            "examples": "example_gen/1/examples",
            "statistics": None,
            "anomalies": "example_validator/2/anomalies",
            "model": "trainer/3/model/model.keras",
            "evaluation": "evaluator/4/evaluation",
            "figures": "figures",
            "serving": "serving/7",
        },
    }
    assert run()[1]["cached"] == steps


def test_pictures_are_published(run, tmp_path):
    run()
    pictures = {file.name: file.read_text() for file in (tmp_path / "root/figures").iterdir() if not file.name.startswith(".")}
    drawn = ("gallery_conv1.png", "gallery.json", "explore.html")
    assert pictures == {**{name: name for name in drawn}, "evolution.png": "evolution"}


def test_model_that_is_not_blessed(run):
    done, summary = run("--error", "0.75")
    assert done.returncode == 0, done.stderr
    assert (summary["status"], summary["message"]) == ("not_blessed", "error 0.75")
    assert summary["artifacts"]["model"] == "trainer/3/model/model.keras"
    assert summary["artifacts"]["serving"] is None


def test_model_that_is_pushed_anyway(tmp_path):
    made = {"evaluation.json": {"blessed": False, "reason": "error 0.75"}, "version.json": {"version": 3, "pushed_anyway": "for the fair"}}
    for name, content in made.items():
        (tmp_path / name).write_text(json.dumps(content))
    results = {
        name: types.SimpleNamespace(outputs={"made": kind(tmp_path)}, seconds=1.0, cached=False, error=None)
        for name, kind in {"Evaluator": Evaluation, "Pusher": Serving}.items()
    }
    summary = summarize(tmp_path, results)
    assert (summary["status"], summary["message"]) == ("pushed_anyway", "error 0.75; pushed anyway: for the fair")
    assert summary["artifacts"]["serving"] == "serving/3"


def test_failure_tells_why_and_keeps_what_there_is(run, tmp_path):
    run()
    before = {path: path.read_text() for path in (tmp_path / "root/figures").iterdir()}
    done, summary = run("--fails")
    assert (done.returncode, done.stderr) == (1, "Error: The class cat is empty: remove it.\n")
    assert (summary["status"], summary["message"]) == ("failed", "Trainer: The class cat is empty: remove it.")
    assert summary["examples"] == {"train": 8, "validation": 2, "rejected": 1}
    assert summary["cached"] == ["ExampleGen", "ExampleValidator"]
    assert summary["artifacts"]["examples"] == "example_gen/1/examples"
    assert summary["artifacts"]["model"] is None
    assert set(summary["metrics"].values()) == {None}
    assert {path: path.read_text() for path in (tmp_path / "root/figures").iterdir()} == before


def test_failure_before_the_first_step(run):
    done, summary = run("--no-data")
    assert (done.returncode, done.stderr) == (1, "Error: No photographs.\n")
    assert (summary["status"], summary["message"], summary["examples"]) == ("failed", "No photographs.", NOTHING)


def test_root_that_is_held_is_not_touched(run, tmp_path):
    from zfnet.pipeline.orchestration.lock import root_lock

    run()
    before = pathlib.Path(tmp_path / "root/run.json").stat()
    with root_lock(tmp_path / "root", "zfnet run --epochs 9"):
        done, _ = run("--fails")
    assert done.returncode == 1
    assert "in use by process" in done.stderr
    assert done.stderr.count("\n") == 1
    assert pathlib.Path(tmp_path / "root/run.json").stat() == before


def test_pictures_of_the_latest_run_are_there_and_other_files_stay(tmp_path):
    made, figures = tmp_path / "made", tmp_path / "figures"
    made.mkdir()
    for name in ("conv1.png", "conv2.png", "conv2.json"):
        (made / name).write_text(f"first {name}")
    publish_figures(figures, [made / "conv1.png", made / "conv2.png", made / "conv2.json"])
    (figures / "mine.png").write_text("mine")
    (made / "conv2.png").write_text("second conv2.png")
    publish_figures(figures, [made / "conv2.png"])
    assert {file.name: file.read_text() for file in figures.iterdir() if not file.name.startswith(".")} == {
        "conv2.png": "second conv2.png",
        "mine.png": "mine",
    }


def test_picture_is_whole_even_if_copying_fails(tmp_path):
    made, new, figures = tmp_path / "conv1.png", tmp_path / "conv2.png", tmp_path / "figures"
    made.write_text("first")
    new.write_text("new")
    publish_figures(figures, [made])
    made.write_text("second")
    with pytest.raises(FileNotFoundError):
        publish_figures(figures, [made, new, tmp_path / "missing.png"])
    assert (figures / "conv1.png").read_text() == "second"
    assert not list(figures.glob("*missing*"))
    publish_figures(figures, [])
    assert not list(figures.glob("*.png"))


@pytest.fixture
def chief(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}))


def announced(root):
    """How the run goes, without its name."""
    return {name: value for name, value in json.loads((root / ANNOUNCED).read_text()).items() if name != "run"}


def test_without_a_cluster_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with announced_run(epath.Path(tmp_path)):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("chief")
def test_beginning_and_end_are_told(tmp_path):
    with announced_run(epath.Path(tmp_path)):
        assert announced(tmp_path) == {"ended": False, "error": None}
    assert announced(tmp_path) == {"ended": True, "error": None}


@pytest.mark.usefixtures("chief")
def test_why_it_failed_is_told(tmp_path):
    with pytest.raises(ValueError, match="no photographs"), announced_run(epath.Path(tmp_path)):
        raise ValueError("no photographs")
    assert announced(tmp_path) == {"ended": True, "error": "no photographs"}


def write(root, ended, error=None):
    (root / ANNOUNCED).write_text(json.dumps({"ended": ended, "error": error}))


def test_a_run_that_ended_before_is_not_followed(tmp_path):
    write(tmp_path, True)
    with pytest.raises(OSError, match=r"no run of the first machine under .* for 0 s. Start the same command there too"):
        follow_run(tmp_path, Task(1, 2), longest_wait=0.1)


@pytest.mark.usefixtures("chief")
def test_a_run_that_fails_at_once_is_followed(tmp_path):
    with contextlib.suppress(ValueError), announced_run(epath.Path(tmp_path)):
        raise ValueError("an earlier run")

    def fail():
        time.sleep(0.7)
        with contextlib.suppress(ValueError), announced_run(epath.Path(tmp_path)):
            raise ValueError("no photographs")

    first = threading.Thread(target=fail)
    first.start()
    with pytest.raises(ValueError, match="The run of the first machine failed: no photographs"):
        follow_run(tmp_path, Task(1, 2), longest_wait=20)
    first.join()


@pytest.mark.parametrize("error", [None, "no photographs"])
def test_a_run_is_followed_to_its_end(tmp_path, capsys, error):
    def run():
        time.sleep(0.7)
        write(tmp_path, False)
        time.sleep(0.7)
        write(tmp_path, True, error)

    first = threading.Thread(target=run)
    first.start()
    if error:
        with pytest.raises(ValueError, match="The run of the first machine failed: no photographs"):
            follow_run(tmp_path, Task(1, 2))
    else:
        follow_run(tmp_path, Task(1, 2))
        assert capsys.readouterr().out.splitlines()[-1] == "Machine 2 of 2: the run ended."
    first.join()


def test_a_remote_root_is_refused():
    with pytest.raises(ValueError, match="need a directory that all of them see"):
        follow_run("gs://bucket/run", Task(1, 2))
