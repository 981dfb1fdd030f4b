"""What an artifact says of the execution that wrote it, where there is no database to ask."""

import dataclasses
from typing import Any, TypedDict

from zfnet.pipeline.execution_plan import ExecutionPlan
from zfnet.pipeline.kubeflow.named_data import NamedData
from zfnet.pipeline.step import Step


class Record(TypedDict):
    """An artifact and how it came to be, as JSON.

    Args:
        digest: of the artifact.
        step: name of the step that wrote it.
        parameters: of that step, by name; photographs by their DATA argument.
        inputs: records of what it read, by name.
    """

    digest: str
    step: str
    parameters: dict[str, Any]
    inputs: dict[str, "Record"]


def recorded(record: Record, steps: dict[str, Step]) -> ExecutionPlan:
    """The plan of an execution that ran elsewhere; its key is the one it has there, unless it opened photographs.

    Args:
        record: what came with its output.
        steps: the declared steps by name.
    """
    return ExecutionPlan(
        with_choices(steps[record["step"]], record["parameters"]),
        inputs={},
        digests={name: other["digest"] for name, other in record["inputs"].items()},
        upstream={name: recorded(other, steps) for name, other in record["inputs"].items()},
    )


def with_choices(step: Step, values: dict[str, Any]) -> Step:
    """The step with other values for some of its arguments; photographs may be given by their DATA argument."""
    named = {name for name, value in step.arguments.items() if isinstance(value, NamedData)}
    values = {name: NamedData(value) if name in named and isinstance(value, str) else value for name, value in values.items()}
    return dataclasses.replace(step, arguments={**step.arguments, **values})
