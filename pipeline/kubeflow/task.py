"""One task of a compiled pipeline: a step that knows other steps only by the records of its inputs."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable
from typing import Any, Protocol, TypedDict

from zfnet.components.artifacts import Artifact, Evaluation
from zfnet.components.data.sources.open_source import open_source
from zfnet.pipeline.cli.command import configure_libraries
from zfnet.pipeline.orchestration.step import ExecutionPlan, Step
from zfnet.pipeline.pushed_last import served_last
from zfnet.pipeline.run_config import RunConfig
from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline

METADATA = "zfnet"  # the key under which an artifact's metadata hold its record
CLOUD_STORAGE = "gs://"
CLOUD_STORAGE_MOUNTED = pathlib.Path("/gcs")  # where Vertex AI shows every bucket as a directory


class KubeflowArtifact(Protocol):
    """An input or output as Kubeflow gives it: `kfp.dsl.Artifact`."""

    path: str
    metadata: dict[str, Any]


def run_task(name: str, arguments: dict[str, Any], declare: Callable[[pathlib.Path], list[Step]] | None = None) -> None:
    """Runs the step `name`, and records the execution in the outputs' metadata; an evaluation's numbers too, which Kubeflow shows.

    Args:
        arguments: of the component: artifacts of Kubeflow, values, and `root` if the step needs it.
        declare: returns the steps of the pipeline for a root; None for those of `zfnet run`.

    Raises:
        ValueError: the root does not exist, or the step fails.
    """
    configure_libraries()
    given = dict(arguments)
    root = shared_directory(given.pop("root")) if "root" in given else pathlib.Path()
    steps = {step.name: step for step in (declare or declared_steps)(root)}
    declared = steps[name].declared

    def of_kind(*kinds: str) -> dict[str, Any]:
        return {argument: value for argument, value in given.items() if declared[argument].kind in kinds}

    inputs = {argument: artifact for argument, artifact in of_kind("input").items() if artifact is not None}
    records = {argument: _record(argument, artifact) for argument, artifact in inputs.items()}
    plan = ExecutionPlan(
        _opened(with_choices(steps[name], of_kind("parameter", "setting")), root),
        inputs={argument: declared[argument].artifact_type(artifact.path) for argument, artifact in inputs.items()},
        digests={argument: record["digest"] for argument, record in records.items()},
        upstream={argument: recorded(record, steps) for argument, record in records.items()},
    )
    outputs = {argument: declared[argument].artifact_type(_emptied(artifact.path)) for argument, artifact in of_kind("output").items()}
    plan.execute(outputs)
    for argument, output in outputs.items():
        record = Record(digest=output.digest(), step=name, parameters=of_kind("parameter"), inputs=records)
        given[argument].metadata.update(_numbers(output), **{METADATA: json.dumps(record)})


def declared_steps(root: pathlib.Path) -> list[Step]:
    """All steps that `zfnet run` may have, with arguments that a task replaces by its own."""
    return zfnet_pipeline(RunConfig(), NamedData(""), root, "", strict=True, baseline=served_last)


def shared_directory(root: str) -> pathlib.Path:
    """The directory of the runs, as this task finds it.

    `root` is an absolute path; or `gs://bucket/name` where buckets are mounted as on Vertex AI, `/gcs/bucket/name`.

    Raises:
        ValueError: there is no such directory. It is not made: without its volume it would be in the task's container, and lost.
    """
    directory = CLOUD_STORAGE_MOUNTED / root.removeprefix(CLOUD_STORAGE) if root.startswith(CLOUD_STORAGE) else pathlib.Path(root)
    if not directory.is_absolute() or not (directory.is_dir() or directory.parent.is_dir()):
        raise ValueError(
            f"The root {root} is not there for this task: expected the absolute path of a directory in a volume that is mounted for every "
            f"task, or gs://bucket/name where buckets are mounted at {CLOUD_STORAGE_MOUNTED}."
        )
    directory.mkdir(exist_ok=True)
    return directory


class Record(TypedDict):
    """An artifact, by its digest, and the execution of the step that wrote it, as JSON.

    The parameters are those of that step, with images by their DATA argument; the inputs are records too. Both are by name.
    """

    digest: str
    step: str
    parameters: dict[str, Any]
    inputs: dict[str, "Record"]


def _record(argument: str, artifact: KubeflowArtifact) -> Record:
    if METADATA not in artifact.metadata:
        raise ValueError(
            f"The input {argument} ({artifact.path}) does not say how it was made: expected the output of a task of this pipeline, whose "
            f"metadata hold {METADATA!r}."
        )
    return json.loads(artifact.metadata[METADATA])


def _opened(step: Step, root: pathlib.Path) -> Step:
    return with_choices(step, {name: value.open(root) for name, value in step.arguments.items() if isinstance(value, NamedData)})


def _emptied(path: str) -> pathlib.Path:
    """A directory for an output, without what an attempt that failed left there."""
    directory = pathlib.Path(path)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _numbers(output: Artifact) -> dict[str, float]:
    content = output.read_json("evaluation.json") if isinstance(output, Evaluation) else {}
    return {name: value for name, value in content.items() if type(value) in (int, float)}


def recorded(record: Record, steps: dict[str, Step]) -> ExecutionPlan:
    """The plan of an execution in another task, from the record of its output; its key is the same, unless the step opened images."""
    return ExecutionPlan(
        with_choices(steps[record["step"]], record["parameters"]),
        inputs={},
        digests={name: other["digest"] for name, other in record["inputs"].items()},
        upstream={name: recorded(other, steps) for name, other in record["inputs"].items()},
    )


def with_choices(step: Step, values: dict[str, Any]) -> Step:
    """The step with other values for some of its arguments; images may be given by their DATA argument."""
    named = {name for name, value in step.arguments.items() if isinstance(value, NamedData)}
    values = {name: NamedData(value) if name in named and isinstance(value, str) else value for name, value in values.items()}
    return dataclasses.replace(step, arguments={**step.arguments, **values})


class NamedData:
    """The DATA argument of a declared pipeline, as the tasks understand it; a task opens it."""

    def __init__(self, data: str) -> None:
        self.data = data

    def __str__(self) -> str:
        return self.data

    def fingerprint(self) -> str:
        """Not known: only the task that reads the images can tell when they change."""
        raise ValueError(f"DATA {self.data} was not opened here; only its name is known.")

    def open(self, root: pathlib.Path) -> Any:
        """Opens the images; `root` is the directory of the runs, for the data that TFDS prepares."""
        return open_source(self.data, root / "tfds")
