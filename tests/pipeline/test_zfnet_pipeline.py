import dataclasses
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from zfnet.components.artifacts import Serving
from zfnet.components.data.sources.open_source import open_source
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import ExecutionPlan, Step
from zfnet.pipeline.run_config import load_config
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline


@pytest.fixture
def declare(tmp_path):
    """Declares the pipeline with changed choices; returns its steps by name."""

    def declared(strict: bool = False, **changes) -> dict[str, Step]:
        config = load_config("photo_patches").with_choices(**changes)
        steps = zfnet_pipeline(config, open_source(config.data, tmp_path / "tfds"), tmp_path, "FnApiRunner", strict=strict)
        return {step.name: step for step in steps}

    return declared


def training(steps: dict[str, Step]) -> ExecutionPlan:
    return ExecutionPlan(steps["Trainer"], {}, {"examples": "e", "statistics": "s"}, {})


def test_steps_are_in_order_and_joined(declare):
    steps = declare()
    assert list(steps) == ["ExampleGen", "StatisticsGen", "ExampleValidator", "Trainer", "Evaluator", "Visualizer", "Pusher"]
    inputs = {name: {argument: str(source) for argument, source in step.values("input").items()} for name, step in steps.items()}
    assert inputs["Trainer"] == {"examples": "ExampleGen.examples", "statistics": "StatisticsGen.statistics"}
    assert inputs["Pusher"] == {"examples": "ExampleGen.examples", "model": "Trainer.model", "evaluation": "Evaluator.evaluation"}
    assert list(declare(strict=True))[3:5] == ["AnomalyGate", "Trainer"]


def test_choices_arrive(declare):
    steps = declare(
        epochs=7,
        image_size=64,
        maps_per_layer=4,
        ten_crop=True,
        max_rejected=0.5,
        bless=("top1_error<0.2",),
        push_anyway="for a demonstration",
    )
    assert steps["ExampleGen"].arguments["image_size"] == 64
    assert steps["ExampleGen"].arguments["max_rejected"] == 0.5
    assert steps["Trainer"].arguments["epochs"] == 7
    assert steps["Evaluator"].arguments["ten_crop"] is True
    assert steps["Evaluator"].arguments["thresholds"] == ("top1_error<0.2",)
    assert steps["Pusher"].arguments["push_anyway"] == "for a demonstration"
    assert steps["Visualizer"].arguments["maps"] == 4


def test_another_text_in_the_column_is_another_evaluation(declare, tmp_path):
    def evaluation(rows: str, column: str | None = "camera") -> ExecutionPlan:
        (tmp_path / "table.csv").write_text(f"path,label,camera,lens\nb.jpg,dog,old,1\n{rows}")
        step = declare(data=str(tmp_path / "table.csv"), slice_by=column)["Evaluator"]
        return ExecutionPlan(step, {}, {"examples": "e", "statistics": "s", "model": "m"}, {})

    first, same, other = evaluation("a.jpg,cat,old,1"), evaluation("a.jpg,cat,old,2"), evaluation("a.jpg,cat,new,2")
    assert first.step.arguments["slice_table"] == str(tmp_path / "table.csv")
    assert first.key() == same.key()
    assert len({first.key(), other.key(), evaluation("a.jpg,cat,new,2", "lens").key(), evaluation("a.jpg,cat,new,2", None).key()}) == 4
    with pytest.raises(ValueError, match="has the columns path, label, camera, lens: expected one column 'weather'"):
        evaluation("a.jpg,cat,old,1", "weather")


def test_another_start_is_another_training(declare, tmp_path):
    file, renamed = tmp_path / "model.keras", tmp_path / "renamed.keras"
    file.write_bytes(b"one")
    renamed.write_bytes(b"one")
    plain, one, same = (training(declare(start_from=start)) for start in (None, str(file), str(renamed)))
    file.write_bytes(b"other")
    other = training(declare(start_from=str(file)))
    assert one.key() == same.key()  # The contents decide.
    assert len({plan.key() for plan in (plain, one, other)}) == 3
    assert len({plan.settings()["checkpoints"] for plan in (plain, one, same, other)}) == 3
    assert one.step.arguments["start"] == str(file)
    assert plain.step.arguments["start"] is plain.step.arguments["start_digest"] is None


def test_logs_of_a_variation_have_a_name_that_files_can_have(declare):
    variation = "zfnet-small:conv1.kernel=11,without=conv3"
    logs = pathlib.Path(training(declare(architecture=variation)).settings()["tensorboard"]).name
    assert logs.startswith("zfnet-small_conv1.kernel_11_without_conv3-")
    long, longer = (
        pathlib.Path(training(declare(architecture=variation + ",without=fc6" * number)).settings()["tensorboard"]).name
        for number in (99, 100)
    )
    assert len(long) < 255
    assert long != longer


def test_more_epochs_continue_an_otherwise_equal_training(declare):
    few, many, other = training(declare(epochs=2)), training(declare(epochs=9)), training(declare(epochs=2, seed=1))
    assert few.key() != many.key()
    assert few.settings() == many.settings()
    assert few.settings()["checkpoints"] != other.settings()["checkpoints"]
    assert few.settings()["tensorboard"] != other.settings()["tensorboard"]


def test_pictures_are_logged_with_their_training(declare, tmp_path):
    steps = declare()
    visualizer = ExecutionPlan(steps["Visualizer"], {}, {"examples": "e", "model": "m", "evaluation": "v"}, {"model": training(steps)})
    directory = pathlib.Path(visualizer.settings()["tensorboard"])
    assert directory == pathlib.Path(training(steps).settings()["tensorboard"])
    assert directory.parent == tmp_path / "tensorboard"
    assert directory.name.startswith("zfnet-small-")
    assert visualizer.settings()["checkpoints"] == training(steps).settings()["checkpoints"]


def test_model_that_is_served_no_more_is_pushed_again(declare, tmp_path):
    (tmp_path / "version.json").write_text(json.dumps({"version": 3}))
    holds = declare()["Pusher"].still_holds
    assert not holds({"serving": Serving(tmp_path)})
    (tmp_path / "serving" / "3").mkdir(parents=True)
    assert holds({"serving": Serving(tmp_path)})
    (tmp_path / "version.json").write_text(json.dumps({"version": None}))
    assert holds({"serving": Serving(tmp_path)})


def test_deleted_logs_of_the_examples_are_written_again(tmp_path):
    for number in range(8):
        for folder in ("train/cat", "train/dog", "validation/cat", "validation/dog"):
            (tmp_path / "photographs" / folder).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (80, 60), (10 * number, 200, 0)).save(tmp_path / "photographs" / folder / f"{number}.png")
    root = tmp_path / "root"

    def run() -> dict[str, bool]:
        config = dataclasses.replace(load_config("photo_patches"), image_size=56)
        steps = zfnet_pipeline(config, open_source(str(tmp_path / "photographs"), root), root, "FnApiRunner")
        with LocalRunner(root, "test") as runner:
            return {name: result.cached for name, result in runner.run(steps[:3]).items()}

    assert not any(run().values())
    [logs] = (root / "tensorboard").iterdir()
    digest = hashlib.sha256((root / "example_gen/1/examples/manifest.json").read_bytes()).hexdigest()
    assert logs.name == f"examples-{digest[:6]}"
    assert all(run().values())
    shutil.rmtree(logs)
    assert run() == {"ExampleGen": True, "StatisticsGen": True, "ExampleValidator": False}
    assert len(list(logs.glob("events*"))) == 1
    assert all(run().values())


def test_declaring_and_keys_import_nothing_heavy(tmp_path):
    program = """
import pathlib, sys
from zfnet.components.data.sources.open_source import open_source
from zfnet.pipeline.orchestration.step import ExecutionPlan
from zfnet.pipeline.run_config import load_config
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline
root = pathlib.Path(sys.argv[1])
for step in zfnet_pipeline(load_config("photo_patches"), open_source("photo_patches", root), root, "FnApiRunner"):
    ExecutionPlan(step, {}, {}, {}).key()
print(sorted({"tensorflow", "keras", "apache_beam", "tensorflow_datasets", "skimage", "sklearn", "matplotlib"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program, tmp_path], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
