"""Finds the model pushed last: in the database of runs, or in the directory of served models."""

from typing import TypeVar

from etils import epath

from zfnet.components.artifacts import Artifact, Evaluation, Examples, Model
from zfnet.components.evaluation.baseline import Pushed
from zfnet.components.pusher import DIGEST, EXAMPLES_DIGEST, EXTRA
from zfnet.pipeline.orchestration.metadata import Artifact as Record
from zfnet.pipeline.orchestration.metadata import open_metadata

A = TypeVar("A", bound=Artifact)


def pushed_last(root: epath.PathLike, model: str, metadata_url: str | None = None) -> Pushed | None:
    """Finds the model pushed last in the database of runs.

    It is None if no other model was pushed. One of which neither the model nor an evaluation nor the served version is left is passed over.

    Args:
        root: the directory that runs were made in.
        model: digest of the model to be evaluated, which is never compared with itself.
        metadata_url: the database that runs were recorded in, see `open_metadata`; None for the root's own.
    """
    root = epath.Path(root)
    with open_metadata(root, metadata_url) as session:
        for execution in session.executions(step="Pusher", status="done"):
            inputs = execution.artifacts("input")
            version = execution.artifacts("output")["serving"].properties.get("version")
            if version is None or inputs["model"].digest == model:
                continue
            found = Pushed(
                version,
                root / "serving" / str(version),
                inputs["examples"].digest,
                _left(Evaluation, inputs["evaluation"], root),
                _left(Model, inputs["model"], root),
                _left(Examples, inputs["examples"], root),
            )
            if found.evaluation or found.model or found.served.exists():
                return found
    return None


def _left(kind: type[A], record: Record, root: epath.Path) -> A | None:
    """The recorded artifact, or None if it is not whole any more."""
    return kind(root / record.path) if record.is_whole(root) else None


def served_last(root: epath.PathLike, model: str) -> Pushed | None:
    """Finds the model pushed last in the directory of served models, for tasks of Kubeflow, which have no database; see `pushed_last`.

    It is the highest version that says of which model and examples it is.
    """
    directory = epath.Path(root) / "serving"
    versions = [path for path in directory.iterdir() if path.name.isdecimal()] if directory.exists() else []
    for version in sorted(versions, key=lambda path: int(path.name), reverse=True):
        # A version that something else wrote has none of these files.
        if not all((version / name).exists() for name in (DIGEST, EXAMPLES_DIGEST, f"{EXTRA}/evaluation.json")):
            continue
        if (version / DIGEST).read_text() != model:
            return Pushed(int(version.name), version, (version / EXAMPLES_DIGEST).read_text(), Evaluation(version / EXTRA))
    return None
