import pathlib

import pytest

from zfnet.pipeline.execution_plan import ExecutionPlan
from zfnet.pipeline.kubeflow.execution_record import Record, recorded, with_choices
from zfnet.pipeline.kubeflow.named_data import NamedData
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.step import Step
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline


def declare(**changes) -> dict[str, Step]:
    return {step.name: step for step in zfnet_pipeline(RunConfig("birds", **changes), NamedData("birds"), pathlib.Path("root"), "")}


def record() -> Record:
    examples = Record(digest="e", step="ExampleGen", parameters={"source": "cats", "image_size": 64}, inputs={})
    statistics = Record(digest="s", step="StatisticsGen", parameters={}, inputs={"examples": examples})
    return Record(digest="m", step="Trainer", parameters={"epochs": 7, "seed": 3}, inputs={"examples": examples, "statistics": statistics})


def test_recorded_plan_has_the_key_of_the_execution():
    there = ExecutionPlan(declare(epochs=7, seed=3)["Trainer"], {}, {"examples": "e", "statistics": "s"}, {})
    here = recorded(record(), declare())
    assert here.key() == there.key() != ExecutionPlan(declare()["Trainer"], {}, there.digests, {}).key()
    assert here.settings() == there.settings()


def test_recorded_plan_has_those_before_it():
    plan = recorded(record(), declare())
    examples = plan.upstream["statistics"].upstream["examples"]
    assert examples.step.arguments["image_size"] == 64
    assert str(examples.step.arguments["source"]) == "cats"
    with pytest.raises(ValueError, match="cats was not opened here"):
        examples.key()


def test_choices_replace_what_was_declared():
    step = with_choices(declare()["ExampleGen"], {"source": "cats", "max_rejected": 0.5})
    assert (str(step.arguments["source"]), step.arguments["max_rejected"], step.arguments["image_size"]) == ("cats", 0.5, 96)
    with pytest.raises(ValueError, match="takes no argument 'colour'"):
        with_choices(step, {"colour": "red"})
