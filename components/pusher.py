"""Pusher: writes a blessed model as a version for model servers."""

import contextlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from etils import epath

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Serving, Setting
from zfnet.components.storage.files import RemoteDirectory, is_remote, local_files

# A SavedModel may hold files here that TensorFlow does not read: digests of the model and of its training data, and its evaluation.
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

    A model that is served already, and is only evaluated anew, keeps its version.

    Args:
        examples: the examples it was trained on, for their size and digest.
        model: the model.
        evaluation: says whether the model is blessed; one that is not is not pushed.
        serving: gets `version.json`: the version, or null.
        destination: directory of the versions, `serving` under the root; the new one is `destination/<integer>`.
    """
    version = None
    if evaluation.read_json("evaluation.json")["blessed"]:
        directory = epath.Path(destination)
        directory.mkdir(parents=True, exist_ok=True)
        digest = model.digest()
        versions = directory.iterdir() if directory.exists() else ()
        version = max((int(path.name) for path in versions if path.name.isdecimal()), default=0)
        pushed = directory / str(version) / DIGEST
        if not pushed.exists() or pushed.read_text() != digest:
            from zfnet.components.serving.export import export

            version += 1
            with _new_version(directory / str(version)) as beside:
                export(model, side=examples.side, path=beside)
                (beside / DIGEST).parent.mkdir()
                (beside / DIGEST).write_text(digest)
                (beside / EXAMPLES_DIGEST).write_text(examples.digest())
                (beside / EXTRA / "evaluation.json").write_bytes((evaluation.path / "evaluation.json").read_bytes())
    (serving.path / "version.json").write_text(json.dumps({"version": version}))


@contextlib.contextmanager
def _new_version(version: epath.Path) -> Iterator[epath.Path]:
    """Gives a local path at which to make the directory `version`.

    A local directory is renamed when it is complete. A remote one can't be: the file that servers look for, and after it the digest, are
    sent last.
    """
    if not is_remote(str(version)):
        beside = version.with_name(f"{version.name}.partial")
        if beside.exists():
            shutil.rmtree(beside)
        yield beside
        beside.rename(version)
        return
    with tempfile.TemporaryDirectory(prefix="zfnet-") as scratch:
        made = pathlib.Path(scratch) / version.name
        yield epath.Path(made)
        remote, last = RemoteDirectory(version), ["saved_model.pb", DIGEST]
        remote.upload([name for name in local_files(made) if name not in last], made)
        for name in last:
            remote.upload([name], made)
