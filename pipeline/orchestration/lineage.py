"""Records under a root as JSON: all runs, and the lineage of a model, the way back to its data."""

from typing import Any

import sqlalchemy as sql
from etils import epath

from zfnet.pipeline.orchestration.metadata import Artifact, Event, Execution, Metadata, open_recorded


def read_lineage(root: epath.PathLike, which: str | None, metadata_url: str | None = None) -> dict[str, Any]:
    """Walks from an execution back to where everything began; `metadata_url` is as in `read_runs`.

    `which` is the number of a pushed version, or an execution by the directory that it wrote, `trainer/7`; None for the version pushed
    last.

    Returns:
        The execution as `execution_record` gives it, with its `version` if it pushed one. Each of its inputs, and of theirs, has its
        execution in `made_by`; an execution that made several of them is repeated.

    Raises:
        FileNotFoundError: nothing is recorded.
        ValueError: there is no such version or execution.
    """
    with open_recorded(root, metadata_url) as session:
        execution = _execution(session, which) if which and "/" in which else _push(session, root, which)
        return {"version": _version(execution), **_trace(session, execution)}


def _trace(session: Metadata, execution: Execution) -> dict[str, Any]:
    inputs = {}
    for name, artifact in execution.artifacts("input").items():
        maker = session.scalars(sql.select(Execution).join(Event).filter_by(artifact_id=artifact.id, direction="output")).one()
        inputs[name] = {**artifact_record(artifact), "made_by": _trace(session, maker)}
    return {**execution_record(execution), "inputs": inputs}


def _execution(session: Metadata, which: str) -> Execution:
    number = which.rstrip("/").rpartition("/")[2]
    found = session.executions(id=int(number)).one_or_none() if number.isdecimal() and len(number) < 19 else None
    if found is None or found.directory != which.rstrip("/"):
        latest = session.executions().first()
        hint = f", such as {latest.directory}, the latest" if latest else ""
        raise ValueError(f"There is no execution {which}; expected STEP/NUMBER as in the column `into` of `zfnet runs`{hint}.")
    return found


def _push(session: Metadata, root: epath.PathLike, which: str | None) -> Execution:
    pushed: dict[int, Execution] = {}  # The latest execution of each version: one that is evaluated anew keeps its version.
    for execution in session.executions(step="Pusher", status="done"):
        if (version := _version(execution)) is not None:
            pushed.setdefault(version, execution)
    if not pushed:
        raise ValueError(f"No model was pushed under {root}. To see the lineage of another execution, use --lineage trainer/NUMBER.")
    if which is None:
        return pushed[max(pushed)]
    if not which.isdecimal() or int(which) not in pushed:
        versions = ", ".join(str(version) for version in sorted(pushed))
        raise ValueError(f"There is no pushed version {which}; expected one of {versions}, or an execution such as trainer/7.")
    return pushed[int(which)]


def _version(execution: Execution) -> int | None:
    made = execution.artifacts("output").get("serving")
    return made.properties.get("version") if made else None


def read_runs(root: epath.PathLike, metadata_url: str | None = None) -> list[dict[str, Any]]:
    """Reads everything recorded under `root`: the runs, oldest first, each with its `executions` in order.

    Executions are as `execution_record` gives them, with whether the run found each `cached`. `metadata_url` is the database that runs are
    recorded in, see `open_metadata`; None for the root's own.

    Raises:
        FileNotFoundError: nothing is recorded.
    """
    with open_recorded(root, metadata_url) as session:
        return [
            {
                "run": context.id,
                "root": session.root,
                "command": context.command,
                "status": context.status,
                "started": context.started,
                "seconds": context.seconds,
                "executions": [
                    {"cached": association.cached, **execution_record(association.execution)} for association in context.associations
                ],
            }
            for context in session.contexts()
        ]


def execution_record(execution: Execution) -> dict[str, Any]:
    """Everything that is recorded of an execution, as JSON; inputs and outputs by the name of the argument."""
    return {
        "execution": execution.id,
        "directory": execution.directory,
        "step": execution.step,
        "status": execution.status,
        "started": execution.started,
        "seconds": execution.seconds,
        "error": execution.error,
        "parameters": execution.parameters,
        "fingerprints": execution.fingerprints,
        "code_version": execution.code_version,
        "source_commit": execution.source_commit,
        "versions": execution.versions,
        **{
            f"{direction}s": {name: artifact_record(artifact) for name, artifact in execution.artifacts(direction).items()}
            for direction in ("input", "output")
        },
    }


def artifact_record(artifact: Artifact) -> dict[str, Any]:
    """An artifact as JSON; its path is below the root."""
    return {"kind": artifact.kind, "path": artifact.path, "digest": artifact.digest, "properties": artifact.properties}
