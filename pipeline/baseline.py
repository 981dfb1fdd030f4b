"""The model that a new one has to be no worse than."""

from etils import epath

from zfnet.components import artifacts
from zfnet.pipeline.metadata_database import open_metadata


def pushed_last(root: epath.PathLike, examples: str, model: str, metadata_url: str | None = None) -> artifacts.Evaluation | None:
    """Finds the evaluation of the model that was pushed last for the same data.

    Args:
        root: the directory that runs were made in.
        examples: digest of the examples; only models that were trained on these count.
        model: digest of the model to be evaluated, which is never compared with itself.
        metadata_url: the database that runs were recorded in, see `open_metadata`; None for the root's own.

    Returns:
        The evaluation, or None if no other model was pushed or nothing is left of its evaluation.
    """
    root = epath.Path(root)
    with open_metadata(root, metadata_url) as session:
        for execution in session.executions(step="Pusher", status="done"):
            serving, inputs = execution.artifacts("output")["serving"], execution.artifacts("input")
            if inputs["examples"].digest != examples or inputs["model"].digest == model:
                continue
            if not (serving.is_whole(root) and inputs["evaluation"].is_whole(root)):
                continue
            if artifacts.Serving(root / serving.path).read_json("version.json")["version"] is not None:
                return artifacts.Evaluation(root / inputs["evaluation"].path)
    return None
