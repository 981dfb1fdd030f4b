import json
import pathlib
import subprocess
import sys

import pytest

# A pipeline of the real artifacts, each as small as can be, behind a command as `zfnet run` is one.
PROGRAM = """
import json
import pathlib

import click

from zfnet.components.artifacts import Anomalies, Evaluation, Examples, Figures, Input, Model, Output, Serving, Setting
from zfnet.pipeline.command import Command
from zfnet.pipeline.run_pipeline import run_pipeline
from zfnet.pipeline.step import Step


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
    for name in ("gallery_conv1.png", "gallery.json"):
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
    assert pictures == {"gallery_conv1.png": "gallery_conv1.png", "gallery.json": "gallery.json", "evolution.png": "evolution"}


def test_model_that_is_not_blessed(run):
    done, summary = run("--error", "0.75")
    assert done.returncode == 0, done.stderr
    assert (summary["status"], summary["message"]) == ("not_blessed", "error 0.75")
    assert summary["artifacts"]["model"] == "trainer/3/model/model.keras"
    assert summary["artifacts"]["serving"] is None


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
    from zfnet.pipeline.root_lock import root_lock

    run()
    before = pathlib.Path(tmp_path / "root/run.json").stat()
    with root_lock(tmp_path / "root", "zfnet run --epochs 9"):
        done, _ = run("--fails")
    assert done.returncode == 1
    assert "in use by process" in done.stderr
    assert done.stderr.count("\n") == 1
    assert pathlib.Path(tmp_path / "root/run.json").stat() == before
