"""The model that a new one has to be no worse than."""

import pathlib

import sqlalchemy as sql

from zfnet.components import artifacts
from zfnet.pipeline import metadata


def pushed_last(root: pathlib.Path, examples: str, model: str) -> artifacts.Evaluation | None:
    """Finds the evaluation of the model that was pushed last for the same data.

    Args:
        root: the directory that runs were made in.
        examples: digest of the examples; only models that were trained on these count.
        model: digest of the model to be evaluated, which is never compared with itself.

    Returns:
        The evaluation, or None if no other model was pushed or nothing is left of its evaluation.
    """
    with metadata.open_metadata(root) as session:
        query = sql.select(metadata.Execution).filter_by(step="Pusher", status="done").order_by(metadata.Execution.id.desc())
        for execution in session.scalars(query):
            serving, inputs = execution.artifacts("output")["serving"], execution.artifacts("input")
            if inputs["examples"].digest != examples or inputs["model"].digest == model:
                continue
            if not (serving.is_whole(root) and inputs["evaluation"].is_whole(root)):
                continue
            if artifacts.Serving(root / serving.path).read_json("version.json")["version"] is not None:
                return artifacts.Evaluation(root / inputs["evaluation"].path)
    return None
