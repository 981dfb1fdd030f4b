"""Pusher: makes a blessed model ready to be served."""

import json
import shutil

from etils import epath

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Serving, Setting

# Where a SavedModel may hold what TensorFlow does not read: which model it is, what it was trained on, and its evaluation.
EXTRA = "assets.extra"
DIGEST = f"{EXTRA}/model_digest.txt"
EXAMPLES_DIGEST = f"{EXTRA}/examples_digest.txt"


def push(
    examples: Input[Examples],
    model: Input[Model],
    evaluation: Input[Evaluation],
    serving: Output[Serving],
    *,
    destination: Setting[str],
) -> None:
    """Writes a blessed model as the next version of a SavedModel directory, as model servers watch it.

    The model that is served already, and is only evaluated anew, keeps its version: each says in `assets.extra` which model it is, on which
    examples it was trained, and how it was evaluated when it was pushed.

    Args:
        examples: the examples it was trained on, for their size and digest.
        model: the model.
        evaluation: says whether it is blessed; a model that is not stays where it is.
        serving: gets `version.json`: the version, or null.
        destination: directory of the versions, `serving` under the root; the new one is `destination/<integer>`.
    """
    version = None
    if evaluation.read_json("evaluation.json")["blessed"]:
        directory = epath.Path(destination)
        directory.mkdir(parents=True, exist_ok=True)
        digest = model.digest()
        version = max((int(path.name) for path in directory.iterdir() if path.name.isdecimal()), default=0)
        if _pushed_digest(directory / str(version)) != digest:
            from zfnet.components.serving.export import export

            version += 1
            beside = directory / f"{version}.partial"
            if beside.exists():
                shutil.rmtree(beside)
            export(model, side=examples.side, path=beside)
            (beside / DIGEST).parent.mkdir()
            (beside / DIGEST).write_text(digest)
            (beside / EXAMPLES_DIGEST).write_text(examples.digest())
            (beside / EXTRA / "evaluation.json").write_bytes((evaluation.path / "evaluation.json").read_bytes())
            beside.rename(directory / str(version))
    (serving.path / "version.json").write_text(json.dumps({"version": version}))


def _pushed_digest(version: epath.Path) -> str | None:
    """Digest of the model that was pushed as this version, None if it doesn't say."""
    file = version / DIGEST
    return file.read_text() if file.exists() else None
