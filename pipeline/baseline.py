"""The evaluation that a new model is compared with: that of the model pushed last for the same data."""

import pathlib

from etils import epath

from zfnet.components.artifacts import Evaluation, Serving
from zfnet.components.pusher import DIGEST, EXAMPLES_DIGEST, EXTRA
from zfnet.pipeline.orchestration.database import open_metadata


def pushed_last(root: epath.PathLike, examples: str, model: str, metadata_url: str | None = None) -> Evaluation | None:
    """Finds the baseline in the database of runs; None if no other model was pushed or nothing is left of its evaluation.

    Args:
        root: the directory that runs were made in.
        examples: digest of the examples; only models that were trained on these count.
        model: digest of the model to be evaluated, which is never compared with itself.
        metadata_url: the database that runs were recorded in, see `open_metadata`; None for the root's own.
    """
    root = epath.Path(root)
    with open_metadata(root, metadata_url) as session:
        for execution in session.executions(step="Pusher", status="done"):
            serving, inputs = execution.artifacts("output")["serving"], execution.artifacts("input")
            if inputs["examples"].digest != examples or inputs["model"].digest == model:
                continue
            if not (serving.is_whole(root) and inputs["evaluation"].is_whole(root)):
                continue
            if Serving(root / serving.path).read_json("version.json")["version"] is not None:
                return Evaluation(root / inputs["evaluation"].path)
    return None


def served_last(root: pathlib.Path, examples: str, model: str) -> Evaluation | None:
    """Finds the baseline in the directory of served models, for tasks of Kubeflow, which have no database; see `pushed_last`.

    The evaluation is from the highest version that there is; it is None if no other model is served.
    """
    versions = [path for path in (root / "serving").glob("*") if path.name.isdecimal()]
    for version in sorted(versions, key=lambda path: int(path.name), reverse=True):
        evaluation = Evaluation(version / EXTRA)
        # A version that something else wrote has none.
        if not ((version / EXAMPLES_DIGEST).is_file() and (evaluation.path / "evaluation.json").is_file()):
            continue
        if (version / EXAMPLES_DIGEST).read_text() == examples and (version / DIGEST).read_text() != model:
            return evaluation
    return None
