"""The model that a new one has to be no worse than, found in the serving directory."""

import pathlib

from zfnet.components.artifacts import Evaluation
from zfnet.components.pusher import DIGEST, EXAMPLES_DIGEST, EXTRA


def served_last(root: pathlib.Path, examples: str, model: str) -> Evaluation | None:
    """Finds the evaluation of the model that was pushed last for the same data, without the database of a local run.

    Args:
        root: the directory that runs were made in.
        examples: digest of the examples; only models that were trained on these count.
        model: digest of the model to be evaluated, which is never compared with itself.

    Returns:
        The evaluation, from the highest version that there is, or None if no other model is served.
    """
    versions = [path for path in (root / "serving").glob("*") if path.name.isdecimal()]
    for version in sorted(versions, key=lambda path: int(path.name), reverse=True):
        evaluation = Evaluation(version / EXTRA)
        # A version that was written before these were kept has none.
        if not ((version / EXAMPLES_DIGEST).is_file() and (evaluation.path / "evaluation.json").is_file()):
            continue
        if (version / EXAMPLES_DIGEST).read_text() == examples and (version / DIGEST).read_text() != model:
            return evaluation
    return None
