"""ROOT/run.json: the status and results of the latest run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from etils import epath

from zfnet.components import artifacts
from zfnet.components.storage.files import atomic_path
from zfnet.pipeline.messages import error_message
from zfnet.pipeline.orchestration.versions import library_versions

if TYPE_CHECKING:
    # Which imports SQLAlchemy.
    from zfnet.pipeline.orchestration.local_runner import StepResult

METRICS = ("top1_error", "top5_error", "top1_error_ten_crop", "top5_error_ten_crop", "structured")


def summarize(root: epath.PathLike, results: dict[str, StepResult], error: BaseException | None = None) -> dict[str, Any]:
    """Summarizes a run from the results of its steps, by name, and the exception that ended it, if any; paths are relative to `root`.

    Returns:
        `status` ("done", "not_blessed" or "failed") and `message` (the reason, or None if done); `metrics`: errors as fractions, and
        `structured`, the share of the first convolution's filters that have structure, None if they are too small to judge; numbers of
        `examples`; `seconds` by step; names of unchanged steps, `cached`; `versions` of libraries; `anomalies`; and the paths of
        `artifacts`. Results of steps that did not run are None.
    """
    made: dict[type, Any] = {type(artifact): artifact for result in results.values() for artifact in result.outputs.values()}
    evaluation = made[artifacts.Evaluation].read_json("evaluation.json") if artifacts.Evaluation in made else {}
    status, message = "done", None
    if error is not None:
        failed = [f"{name}: {result.error}" for name, result in results.items() if result.error]
        status, message = "failed", (failed or [error_message(error)])[0]
    elif evaluation and not evaluation["blessed"]:
        status, message = "not_blessed", evaluation["reason"]
    return {
        "status": status,
        "message": message,
        "metrics": {name: evaluation.get(name) for name in METRICS},
        "examples": _count(made.get(artifacts.Examples)),
        "seconds": {name: round(result.seconds, 3) for name, result in results.items()},
        "cached": [name for name, result in results.items() if result.cached],
        "versions": library_versions(),
        "anomalies": made[artifacts.Anomalies].read_json("anomalies.json") if artifacts.Anomalies in made else [],
        "artifacts": _paths(root, made, published=error is None),
    }


def write_summary(root: epath.PathLike, summary: dict[str, Any]) -> None:
    """Writes `summary` as ROOT/run.json, in place of the one before."""
    with atomic_path(epath.Path(root) / "run.json") as partial:
        partial.write_text(json.dumps(summary, indent=2) + "\n")


def read_summary(root: epath.PathLike, *keys: str) -> dict[str, Any]:
    """Reads these keys of ROOT/run.json, see `summarize`.

    Raises:
        ValueError: it is not what a run writes.
    """
    file = epath.Path(root) / "run.json"
    try:
        summary = json.loads(file.read_text())
        return {key: dict(summary[key]) if key == "artifacts" else summary[key] for key in keys}
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{file} is not a valid run.json; expected a directory that `zfnet run` wrote.") from error


def _count(examples: artifacts.Examples | None) -> dict[str, int | None]:
    if examples is None:
        return {"train": None, "validation": None, "rejected": None}
    return {
        "train": examples.count("train"),
        "validation": examples.count("validation"),
        "rejected": examples.read_json("manifest.json")["rejected"],
    }


def _paths(root: epath.PathLike, made: dict[type, artifacts.Artifact], published: bool) -> dict[str, str | None]:
    def path(kind: type, file: str = "") -> str | None:
        return str((made[kind].path / file).relative_to(root)) if kind in made else None

    version = made[artifacts.Serving].read_json("version.json")["version"] if artifacts.Serving in made else None
    return {
        "examples": path(artifacts.Examples),
        "statistics": path(artifacts.Statistics),
        "model": path(artifacts.Model, "model.keras"),
        "evaluation": path(artifacts.Evaluation),
        "figures": "figures" if artifacts.Figures in made and published else path(artifacts.Figures),
        "serving": f"serving/{version}" if version is not None else None,
    }
