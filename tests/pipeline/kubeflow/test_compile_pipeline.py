import inspect
import pathlib
import shlex
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from zfnet.components.artifacts import Anomalies, Artifact, Evaluation, Examples, Input, Model, Output, Setting
from zfnet.components.data.sources.open_source import open_source
from zfnet.pipeline.kubeflow.compile_pipeline import compile_pipeline, component_source, make_component
from zfnet.pipeline.kubeflow.task import NamedData
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step
from zfnet.pipeline.orchestration.versions import code_version
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline

STEPS = ["example-gen", "statistics-gen", "example-validator", "trainer", "evaluator", "visualizer", "pusher"]
# Kubeflow's own local runner: each task by the command of its container, in a process of its own, with another command for Python.
RUN = """
import sys

from kfp import components, local

sys.executable = sys.argv[4]
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[2])
components.load_component_from_file(sys.argv[1])(root=sys.argv[3], seed=1, learning_rate=0.03, maps=1)
"""
EXPECTED = '''def judge_again(*, examples: Input[Dataset], evaluation: Output[Metrics], anomalies: Output[Artifact], crops: str, root: str):
    """Judges "models" anew.

    Args:
        examples: zfnet.Examples

    Returns:
        evaluation: zfnet.Evaluation
        anomalies: zfnet.Anomalies
    """
    # Code version VERSION
    arguments = dict(locals(), epochs=None)
    from zfnet.pipeline.kubeflow.task import run_task

    run_task('JudgeAgain', arguments)
'''


def declare(strict: bool = False, **changes) -> list[Step]:
    config = RunConfig("birds").with_choices(**{"epochs": 2} | changes)
    return zfnet_pipeline(config, NamedData(config.data), pathlib.Path(), "FnApiRunner", strict=strict)


@pytest.fixture
def compiled(tmp_path):
    """Compiles steps; returns the pipeline's specification and what is for Kubernetes alone."""

    def compile_steps(steps: list[Step], **options) -> tuple[dict, dict]:
        compile_pipeline(steps, tmp_path / "pipeline.yaml", image="birds:7", **options)
        documents = list(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text()))
        return documents[0], documents[1] if len(documents) > 1 else {}

    return compile_steps


@pytest.fixture(scope="module")
def specification(tmp_path_factory) -> dict:
    """The pipeline with everything left as it is."""
    out = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(declare(), out, image="birds:7")
    [document] = yaml.safe_load_all(out.read_text())
    return document


def executors(specification: dict) -> dict[str, dict]:
    return {name.removeprefix("exec-"): it["container"] for name, it in specification["deploymentSpec"]["executors"].items()}


def test_every_step_is_a_task(specification):
    tasks = specification["root"]["dag"]["tasks"]
    assert sorted(tasks) == sorted(STEPS)
    assert tasks["trainer"]["inputs"]["artifacts"]["statistics"]["taskOutputArtifact"] == {
        "outputArtifactKey": "statistics",
        "producerTask": "statistics-gen",
    }
    assert tasks["trainer"]["taskInfo"]["name"] == "Trainer"
    assert {container["image"] for container in executors(specification).values()} == {"birds:7"}
    model = specification["components"]["comp-trainer"]["outputDefinitions"]["artifacts"]["model"]
    assert model == {"artifactType": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}, "description": "zfnet.Model"}


def test_choices_are_parameters(compiled):
    specification, _ = compiled(declare(learning_rate=0.5, seed=3))
    parameters = specification["root"]["inputDefinitions"]["parameters"]
    assert {name: parameter.get("defaultValue") for name, parameter in parameters.items()} == {
        "architecture": "zfnet-small",
        "augmentation": "paper",
        "check_seconds": 600.0,
        "beam_options": [],
        "crops": "ten",
        "data": "birds",
        "deterministic": True,
        "epochs": 2,
        "image_size": 96,
        "keep_checkpoints": False,
        "keep_every": 600.0,
        "learning_rate": 0.5,
        "maps": 9,
        "max_rejected": 0.1,
        "patience": 5,
        "root": None,
        "runner": "FnApiRunner",
        "seed": 3,
        "ten_crop": False,
        "thresholds": [],
    }
    assert not parameters["root"].get("isOptional")
    assert parameters["patience"]["description"].startswith("Epochs without a lower validation error")
    tasks = specification["root"]["dag"]["tasks"]
    assert tasks["visualizer"]["inputs"]["parameters"]["seed"] == {"componentInputParameter": "seed"}
    assert "seed" not in tasks["example-gen"]["inputs"]["parameters"]


def sharpen(examples: Input[Examples], sharper: Output[Artifact], *, radius: float) -> None: ...


def test_step_that_is_added_is_compiled_too(compiled):
    steps = declare()
    added = Step("Sharpen", sharpen, {"examples": steps[0].output("examples"), "radius": 1.5})
    specification, _ = compiled([*steps, added])
    assert specification["root"]["dag"]["tasks"]["sharpen"]["dependentTasks"] == ["example-gen"]
    assert specification["root"]["inputDefinitions"]["parameters"]["radius"]["defaultValue"] == 1.5


def test_nothing_passes_a_gate(compiled):
    specification, _ = compiled(declare(strict=True))
    tasks = specification["root"]["dag"]["tasks"]
    waiting = {name for name, task in tasks.items() if "anomaly-gate" in task.get("dependentTasks", [])}
    assert waiting == {"trainer", "evaluator", "visualizer", "pusher"}


def test_steps_that_write_elsewhere_are_not_cached(specification):
    tasks = specification["root"]["dag"]["tasks"]
    assert {name for name, task in tasks.items() if not task["cachingOptions"]} == {"example-validator", "pusher"}


def test_gpus_are_for_the_trainer(compiled, specification):
    assert not any("resources" in it for it in executors(specification).values())
    specification, _ = compiled(declare(), gpus=2, gpu_type="NVIDIA_TESLA_T4")
    resources = {name: it["resources"] for name, it in executors(specification).items() if "resources" in it}
    assert set(resources) == {"trainer"}
    assert resources["trainer"]["accelerator"]["resourceCount"] == "2"
    assert resources["trainer"]["accelerator"]["resourceType"] == "NVIDIA_TESLA_T4"


def test_volumes_are_mounted_everywhere(compiled):
    specification, platform = compiled(declare(), root="/data/runs", volumes={"/data": "photographs"})
    assert specification["root"]["inputDefinitions"]["parameters"]["root"]["defaultValue"] == "/data/runs"
    mounts = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert sorted(mounts) == sorted(f"exec-{name}" for name in STEPS)
    assert {(it["pvcMount"][0]["constant"], it["pvcMount"][0]["mountPath"]) for it in mounts.values()} == {("photographs", "/data")}


def test_file_of_another_kind(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.yaml, not .*pipeline.json"):
        compile_pipeline(declare(), tmp_path / "pipeline.json", image="birds:7")
    assert not list(tmp_path.iterdir())


def test_tasks_come_to_what_a_local_run_comes_to(tmp_path, forked):
    data = tmp_path / "photographs"
    for name, colour in {"blue": (40, 60, 200), "red": (210, 50, 40)}.items():
        (data / name).mkdir(parents=True)
        for number in range(16):
            rng = np.random.default_rng([number, *colour])
            noise = rng.normal(scale=40, size=(70 + number, 90, 3))
            Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)).save(data / name / f"{number}.png")
    choices = {"data": str(data), "image_size": 56, "epochs": 2}
    # Started with another rate: only what is not left open is a parameter.
    compile_pipeline(declare(**choices, learning_rate=0.01), tmp_path / "pipeline.yaml", image="zfnet:latest")
    paths = (tmp_path / "pipeline.yaml", tmp_path / "tasks", tmp_path / "shared")
    command = forked([sys.executable, "-c", RUN, *paths, shlex.join(forked([sys.executable]))])
    root = tmp_path / "root"
    config = RunConfig().with_choices(**choices, seed=1, learning_rate=0.03)
    steps = zfnet_pipeline(config, open_source(str(data), root), root, "FnApiRunner")
    # At the same time, since the tasks run one after the other.
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as by_tasks:
        with LocalRunner(root, "zfnet run") as runner:
            runner.run([step for step in steps if step.name not in ("ExampleValidator", "Visualizer", "Pusher")])
        assert by_tasks.wait() == 0, (tmp_path / "log").read_text()[-5000:]
    [tasks] = (tmp_path / "tasks").iterdir()
    assert {task.name for task in tasks.iterdir()} == set(STEPS)
    for task, name, file in (
        ("example-gen", "ExampleGen", "examples/manifest.json"),
        ("trainer", "Trainer", "model/history.json"),
        ("evaluator", "Evaluator", "evaluation/evaluation.json"),
    ):
        output, _, file_name = file.partition("/")
        assert (tasks / task / file).read_text() == (runner.results[name].outputs[output].path / file_name).read_text()
    # The same training by its key: a local run under the same root would go on from these checkpoints.
    assert [path.name for path in (tmp_path / "shared/trainer").iterdir()] == [
        path.name for path in (root / "trainer").glob("checkpoints-*")
    ]
    assert (tmp_path / "shared/serving/1/saved_model.pb").is_file()
    assert list((tasks / "visualizer/figures").glob("*.png"))
    logs = {path.name for path in (tmp_path / "shared/tensorboard").iterdir() if path.is_dir()}
    assert {path.name for path in (root / "tensorboard").iterdir() if path.is_dir()} < logs


def prepare(examples: Output[Examples], *, size: int) -> None: ...


def judge_models(
    examples: Input[Examples],
    model: Input[Model | None],
    evaluation: Output[Evaluation],
    anomalies: Output[Anomalies],
    *,
    crops: str,
    epochs: int | None,
    log: Setting[str],
) -> None:
    """Judges "models" anew.

    At length.
    """


def step() -> Step:
    examples = Step("Prepare", prepare, {"size": 96}).output("examples")
    given = {"examples": examples, "model": None, "crops": "ten", "epochs": None, "log": lambda plan: ""}
    return Step("JudgeAgain", judge_models, given)


def test_source_is_read_off_the_declaration():
    assert component_source(step()) == EXPECTED.replace("VERSION", code_version(judge_models))


def test_component_runs_in_the_image():
    component = make_component(step(), "birds:7")
    container = component.component_spec.implementation.container
    assert container.image == "birds:7"
    assert inspect.getsource(component.python_func) == component_source(step())
    assert "pip install" not in " ".join(container.command)
    assert {name: output.type for name, output in component.component_spec.outputs.items()} == {
        "evaluation": "system.Metrics@0.0.1",
        "anomalies": "system.Artifact@0.0.1",
    }
    assert component.component_spec.outputs["anomalies"].description == "zfnet.Anomalies"
