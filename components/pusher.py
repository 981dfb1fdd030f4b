"""Pusher: makes a blessed model ready to be served."""

import json
import shutil

from etils import epath

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Serving, Setting


def push(
    examples: Input[Examples],
    model: Input[Model],
    evaluation: Input[Evaluation],
    serving: Output[Serving],
    *,
    destination: Setting[str],
) -> None:
    """Writes a blessed model as the next version of a SavedModel directory, as model servers watch it.

    Args:
        examples: the examples it was trained on, for their size.
        model: the model.
        evaluation: says whether it is blessed; a model that is not stays where it is.
        serving: gets `version.json`: the version, or null.
        destination: directory of the versions, `serving` under the root; the new one is `destination/<integer>`.
    """
    version = None
    if evaluation.read_json("evaluation.json")["blessed"]:
        from zfnet.components.serving.export import export

        directory = epath.Path(destination)
        directory.mkdir(parents=True, exist_ok=True)
        version = 1 + max((int(path.name) for path in directory.iterdir() if path.name.isdecimal()), default=0)
        beside = directory / f"{version}.partial"
        if beside.exists():
            shutil.rmtree(beside)
        export(model, side=examples.side, path=beside)
        beside.rename(directory / str(version))
    (serving.path / "version.json").write_text(json.dumps({"version": version}))
