"""A whole run: steps, figures, and the summary at the end, ROOT/run.json; on one machine or several."""

import contextlib
import json
import pathlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click
from etils import epath

from zfnet.components import artifacts
from zfnet.components.storage.files import atomic_path, is_remote
from zfnet.components.training.cluster_task import Task, read_task
from zfnet.pipeline.messages import error_message
from zfnet.pipeline.orchestration.step import Step
from zfnet.pipeline.orchestration.versions import library_versions

if TYPE_CHECKING:
    # It imports SQLAlchemy, for which no `--help` should wait.
    from zfnet.pipeline.orchestration.local_runner import StepResult

METRICS = ("top1_error", "top5_error", "top1_error_ten_crop", "top5_error_ten_crop", "structured")
PUBLISHED = ".published.json"
ANNOUNCED = "cluster_run.json"
# Seconds that the first machine may take to begin, and between two looks.
LONGEST_WAIT = 600.0
POLL = 0.5


def run_pipeline(
    root: epath.PathLike, declare: Callable[[], list[Step]], command: str, metadata_url: str | None = None, wait: bool = False
) -> dict[str, Any]:
    """Runs a pipeline under `root`, made if missing, and writes ROOT/run.json however it ends; returns its content, see `summarize`.

    Args:
        declare: returns the steps. It is called when the root is locked, so run.json also reports errors of the data that it opens.
        command: the command line to record.
        metadata_url: the database to record in, see `open_metadata`; None for the root's own.
        wait: whether to wait for another process that has locked the root.

    Raises:
        OSError: the root can't be written, or another process has locked it; run.json was not touched then.
        Exception: the error of a step.
    """
    from zfnet.pipeline.orchestration.local_runner import LocalRunner

    root = epath.Path(root)
    with LocalRunner(root, command, metadata_url, wait) as runner, announced_run(root):
        try:
            runner.run(declare())
            publish_figures(root / "figures", _pictures(runner.results))
            summary = summarize(root, runner.results)
        except BaseException as error:
            write_summary(root, summarize(root, runner.results, error))
            raise
        write_summary(root, summary)
    return summary


def _pictures(results: "dict[str, StepResult]") -> list[epath.Path]:
    """Figures, the numbers in them, and the page of all maps, of the Visualizer and of the training."""
    made = [output for result in results.values() for output in result.outputs.values()]
    directories = [output.path for output in made if isinstance(output, artifacts.Figures)]
    directories += [output.path / "pictures" for output in made if isinstance(output, artifacts.Model)]
    return [file for directory in directories for suffix in ("png", "json", "html") for file in sorted(directory.glob(f"*.{suffix}"))]


def publish_figures(directory: epath.Path, files: Iterable[epath.Path]) -> None:
    """Copies `files`, whose names differ, into `directory` in place of those published before; other files there stay.

    Each is written beside and renamed, so no figure is ever half.
    """
    directory.mkdir(parents=True, exist_ok=True)
    record = directory / PUBLISHED
    earlier = set(json.loads(record.read_text())) if record.exists() else set()
    names = {file.name: file for file in files}
    # Recorded before they are copied: if this process is killed, the next one knows all files that may be there.
    _record(record, earlier | names.keys())
    for name, file in names.items():
        with atomic_path(directory / name) as partial:
            epath.Path(file).copy(partial, overwrite=True)
    for name in earlier - names.keys():
        (directory / name).unlink(missing_ok=True)
    _record(record, names.keys())


def _record(path: epath.Path, names: Iterable[str]) -> None:
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(sorted(names)))


def summarize(root: epath.PathLike, results: "dict[str, StepResult]", error: BaseException | None = None) -> dict[str, Any]:
    """Summarizes a run from the results of its steps, by name, and the exception that ended it, if any; paths are relative to `root`.

    Returns:
        `status` ("done", "not_blessed", "pushed_anyway" or "failed") and `message` (the reason, or None if done); `metrics`: errors as
        fractions, and `structured`, the share of the first convolution's filters that have structure, None if they are too small to judge;
        numbers of `examples`; `seconds` by step; names of unchanged steps, `cached`; `versions` of libraries; `anomalies`; and the paths
        of `artifacts`. Results of steps that did not run are None.
    """
    made: dict[type, Any] = {type(artifact): artifact for result in results.values() for artifact in result.outputs.values()}
    evaluation = made[artifacts.Evaluation].read_json("evaluation.json") if artifacts.Evaluation in made else {}
    status, message = "done", None
    if error is not None:
        failed = [f"{name}: {result.error}" for name, result in results.items() if result.error]
        status, message = "failed", (failed or [error_message(error)])[0]
    elif evaluation and not evaluation["blessed"]:
        status, message = "not_blessed", evaluation["reason"]
        pushed = made[artifacts.Serving].read_json("version.json") if artifacts.Serving in made else {}
        if anyway := pushed.get("pushed_anyway"):
            status, message = "pushed_anyway", f"{message}; pushed anyway: {anyway}"
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
        "anomalies": path(artifacts.Anomalies),
        "model": path(artifacts.Model, "model.keras"),
        "evaluation": path(artifacts.Evaluation),
        "figures": "figures" if artifacts.Figures in made and published else path(artifacts.Figures),
        "serving": f"serving/{version}" if version is not None else None,
    }


@contextlib.contextmanager
def announced_run(root: epath.Path) -> Iterator[None]:
    """Announces a run to the other machines of a cluster, if there is one, and in the end how it ended."""
    task = read_task()
    if not task or task.workers == 1 or is_remote(str(root)):
        yield
        return
    run = uuid.uuid4().hex
    _announce(root, run, ended=False)
    try:
        yield
    except BaseException as error:
        _announce(root, run, ended=True, error=error_message(error))
        raise
    _announce(root, run, ended=True)


def follow_run(root: epath.PathLike, task: Task, longest_wait: float = LONGEST_WAIT) -> None:
    """Takes part in the training of the run that the first machine makes under the same root, until that run has ended.

    All machines see the root under the same path. The run may take `longest_wait` seconds to begin.

    Raises:
        ValueError: the run failed, or the root is no directory that machines can share.
        OSError: there is no run.
    """
    from zfnet.components.training.cluster import follow

    if is_remote(str(root)):
        raise ValueError(f"The root {root} is in a remote storage; machines that train together need a directory that all of them see.")
    root, name = pathlib.Path(root), f"Machine {task.index + 1} of {task.workers}"
    click.echo(f"{name}: waiting for the run of the first machine under {root}.")
    over = time.monotonic() + longest_wait
    # A run that had ended when this machine came was one before. Another that has ended since then failed at once.
    before = _announcement(root).get("run")
    while (now := _announcement(root)).get("ended", True) and now.get("run") == before:
        if time.monotonic() > over:
            raise OSError(f"There was no run of the first machine under {root} for {longest_wait:.0f} s. Start the same command there too.")
        time.sleep(POLL)
    click.echo(f"{name}: joined the run.")

    # Should the first machine be lost and come back, its run is another one, and followed as well.
    follow(root / "trainer", name, lambda: _announcement(root).get("ended", True))
    if error := _announcement(root).get("error"):
        raise ValueError(f"The run of the first machine failed: {error}")
    click.echo(f"{name}: the run ended.")


def _announce(root: epath.Path, run: str, ended: bool, error: str | None = None) -> None:
    with atomic_path(root / ANNOUNCED) as partial:
        partial.write_text(json.dumps({"run": run, "ended": ended, "error": error}))


def _announcement(root: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads((root / ANNOUNCED).read_text())
    except FileNotFoundError:
        return {}
