"""An execution as it is told to scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zfnet.pipeline.metadata import Artifact, Execution


def execution_record(execution: Execution) -> dict[str, Any]:
    """Everything that is recorded of an execution, as JSON holds it; inputs and outputs by the name of the argument."""
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
    """An artifact as JSON holds it; its path is below the root."""
    return {"kind": artifact.kind, "path": artifact.path, "digest": artifact.digest, "properties": artifact.properties}
