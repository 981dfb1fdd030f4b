import json
import pathlib
from dataclasses import dataclass, field

import pytest
from PIL import Image

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Setting
from zfnet.components.pusher import DIGEST, EXAMPLES_DIGEST, EXTRA
from zfnet.pipeline.kubeflow.task import NamedData, Record, declared_steps, recorded, run_task, shared_directory, with_choices
from zfnet.pipeline.orchestration.step import ExecutionPlan, Step
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline


@dataclass
class KubeflowArtifact:
    path: str
    metadata: dict = field(default_factory=dict)


def prepare(examples: Output[Examples], *, source: object, size: int) -> None:
    (examples.path / "manifest.json").write_text(json.dumps([str(source), type(source).__name__, size]))


def train(examples: Input[Examples], older: Input[Model | None], model: Output[Model], *, epochs: int | None, log: Setting[str]) -> None:
    (model.path / "model.keras").write_text(f"{examples.read_json('manifest.json')} {epochs} {log}")


def evaluate(model: Input[Model], evaluation: Output[Evaluation], *, log: Setting[str]) -> None:
    content = {"top1_error": 0.25, "top1_error_ten_crop": None, "examples": 8, "blessed": True, "reason": log}
    (evaluation.path / "evaluation.json").write_text(json.dumps(content))


def declare(root: pathlib.Path) -> list[Step]:
    def training(plan) -> str:
        return f"{root}/{plan.step.arguments['epochs']}-{plan.key()[:6]}"

    example_gen = Step("Prepare", prepare, {"source": NamedData(""), "size": 1})
    trainer = Step("Train", train, {"examples": example_gen.output("examples"), "older": None, "epochs": 1, "log": training})
    evaluator = Step("Evaluate", evaluate, {"model": trainer.output("model"), "log": lambda plan: training(plan.upstream["model"])})
    return [example_gen, trainer, evaluator]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """A task has a process of its own."""
    monkeypatch.setenv("EPATH_USE_TF", "false")


@pytest.fixture
def output(tmp_path):
    def make(name: str) -> KubeflowArtifact:
        return KubeflowArtifact(str(tmp_path / name / "output"))

    return make


@pytest.fixture
def examples(output, tmp_path):
    """What a task made of a folder of photographs."""
    made = output("examples")
    for name in ("cat", "dog"):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "photographs" / name / f"{number}.png").touch()
    arguments = {"examples": made, "source": str(tmp_path / "photographs"), "size": 64, "root": str(tmp_path / "root")}
    run_task("Prepare", arguments, declare)
    return made


def test_photographs_are_opened_by_the_task(examples, tmp_path):
    content = json.loads(pathlib.Path(examples.path, "manifest.json").read_text())
    assert content == [str(tmp_path / "photographs"), "FolderSource", 64]
    record = json.loads(examples.metadata["zfnet"])
    assert record == {
        "digest": Examples(examples.path).digest(),
        "step": "Prepare",
        "parameters": {"source": str(tmp_path / "photographs"), "size": 64},
        "inputs": {},
    }


def test_settings_are_worked_out_from_what_came_before(examples, output, tmp_path):
    model, evaluation = output("model"), output("evaluation")
    run_task("Train", {"examples": examples, "model": model, "epochs": 7, "root": str(tmp_path / "root")}, declare)
    log = pathlib.Path(model.path, "model.keras").read_text().split()[-1]
    assert log.startswith(f"{tmp_path}/root/7-")
    run_task("Evaluate", {"model": model, "evaluation": evaluation, "root": str(tmp_path / "root")}, declare)
    assert json.loads(pathlib.Path(evaluation.path, "evaluation.json").read_text())["reason"] == log
    # The numbers, which Kubeflow shows, beside the record.
    assert {name: value for name, value in evaluation.metadata.items() if name != "zfnet"} == {"top1_error": 0.25, "examples": 8}


def test_what_a_failed_attempt_left_is_removed(examples, output, tmp_path):
    model = output("model")
    pathlib.Path(model.path).mkdir(parents=True)
    pathlib.Path(model.path, "half").touch()
    run_task("Train", {"examples": examples, "model": model, "epochs": None, "root": str(tmp_path / "root")}, declare)
    assert [file.name for file in pathlib.Path(model.path).iterdir()] == ["model.keras"]


def test_input_from_elsewhere_is_refused(output, tmp_path):
    arguments = {"examples": output("examples"), "model": output("model"), "epochs": 1, "root": str(tmp_path)}
    with pytest.raises(ValueError, match=r"The input examples .* does not say how it was made"):
        run_task("Train", arguments, declare)


def test_model_is_compared_with_the_one_that_is_served(tmp_path):
    version = tmp_path / "serving/1"
    for file, text in ((DIGEST, "old"), (EXAMPLES_DIGEST, "cats"), (f"{EXTRA}/evaluation.json", "{}")):
        (version / file).parent.mkdir(parents=True, exist_ok=True)
        (version / file).write_text(text)
    evaluator = {step.name: step for step in declared_steps(tmp_path)}["Evaluator"]
    plan = ExecutionPlan(evaluator, {}, {"examples": "cats", "statistics": "s", "model": "new"}, {})
    assert str(plan.settings()["baseline"].served) == str(version)
    # No database was made to ask.
    assert [entry.name for entry in tmp_path.iterdir()] == ["serving"]


@pytest.mark.parametrize("root", ["runs", "/nowhere/at/all", "gs://no-such-bucket/runs"])
def test_root_that_no_volume_holds(root):
    with pytest.raises(ValueError, match=f"The root {root} is not there for this task"):
        shared_directory(root)


def test_root_is_made_in_a_volume(tmp_path, monkeypatch):
    assert shared_directory(str(tmp_path / "runs")) == tmp_path / "runs"
    (tmp_path / "bucket").mkdir()
    monkeypatch.setattr("zfnet.pipeline.kubeflow.task.CLOUD_STORAGE_MOUNTED", tmp_path)
    assert shared_directory("gs://bucket/runs") == tmp_path / "bucket/runs"
    assert (tmp_path / "bucket/runs").is_dir()


def execution_record_declare(**changes) -> dict[str, Step]:
    config = RunConfig("birds").with_choices(**changes)
    return {step.name: step for step in zfnet_pipeline(config, NamedData("birds"), pathlib.Path("root"), "")}


def record() -> Record:
    examples = Record(digest="e", step="ExampleGen", parameters={"source": "cats", "image_size": 64}, inputs={})
    statistics = Record(digest="s", step="StatisticsGen", parameters={}, inputs={"examples": examples})
    return Record(digest="m", step="Trainer", parameters={"epochs": 7, "seed": 3}, inputs={"examples": examples, "statistics": statistics})


def test_recorded_plan_has_the_key_of_the_execution():
    there = ExecutionPlan(execution_record_declare(epochs=7, seed=3)["Trainer"], {}, {"examples": "e", "statistics": "s"}, {})
    here = recorded(record(), execution_record_declare())
    assert here.key() == there.key() != ExecutionPlan(execution_record_declare()["Trainer"], {}, there.digests, {}).key()
    assert here.settings() == there.settings()


def test_recorded_plan_has_those_before_it():
    plan = recorded(record(), execution_record_declare())
    examples = plan.upstream["statistics"].upstream["examples"]
    assert examples.step.arguments["image_size"] == 64
    assert str(examples.step.arguments["source"]) == "cats"
    with pytest.raises(ValueError, match="cats was not opened here"):
        examples.key()


def test_choices_replace_what_was_declared():
    step = with_choices(execution_record_declare()["ExampleGen"], {"source": "cats", "max_rejected": 0.5})
    assert (str(step.arguments["source"]), step.arguments["max_rejected"], step.arguments["image_size"]) == ("cats", 0.5, 96)
    with pytest.raises(ValueError, match="takes no argument 'colour'"):
        with_choices(step, {"colour": "red"})


def test_data_is_opened_only_when_asked(tmp_path):
    data = NamedData(str(tmp_path / "photographs"))
    assert str(data) == str(tmp_path / "photographs")
    for name in ("cat", "dog"):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (8, 8)).save(tmp_path / "photographs" / name / f"{number}.png")
    assert data.open(tmp_path).labels == ["cat", "dog"]


def test_photographs_that_were_not_opened_have_no_fingerprint():
    with pytest.raises(ValueError, match="birds was not opened here"):
        NamedData("birds").fingerprint()
