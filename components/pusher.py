"""Pusher: makes a blessed model ready to be served."""

import contextlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from etils import epath

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Serving, Setting
from zfnet.components.storage.files import is_remote
from zfnet.components.storage.remote_directory import RemoteDirectory, local_files

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
        versions = directory.iterdir() if directory.exists() else ()
        version = max((int(path.name) for path in versions if path.name.isdecimal()), default=0)
        if _pushed_digest(directory / str(version)) != digest:
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

    A local one is renamed when it is whole. A remote one can't be: what a server looks for, and after it the digest, are sent when
    all the rest is there.
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


def _pushed_digest(version: epath.Path) -> str | None:
    """Digest of the model that was pushed as this version, None if it doesn't say."""
    file = version / DIGEST
    return file.read_text() if file.exists() else None
