"""Pusher: writes a blessed model as a version for model servers."""

import contextlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from etils import epath

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Serving, Setting
from zfnet.components.storage.files import RemoteDirectory, atomic_path, is_remote, local_files

# A SavedModel may hold files here that TensorFlow does not read: digests of the model and of its training data, its evaluation, its check.
EXTRA = "assets.extra"
DIGEST = f"{EXTRA}/model_digest.txt"
EXAMPLES_DIGEST = f"{EXTRA}/examples_digest.txt"
CHECKED = f"{EXTRA}/checked.json"
EVALUATION = f"{EXTRA}/evaluation.json"


def push(
    examples: Input[Examples],
    model: Input[Model],
    evaluation: Input[Evaluation],
    serving: Output[Serving],
    *,
    push_anyway: str | None = None,
    destination: Setting[str],
    check_seconds: Setting[float] = 600.0,
) -> None:
    """Writes a blessed model as the next version of a SavedModel directory, as model servers watch it.

    A model that is served already, and is only evaluated anew, keeps its version. Before a new version gets its place, its answers are
    compared with those of Keras, see `check_export`; one that fails is kept beside as `destination/<integer>.refused`, if that is local.

    Args:
        examples: the examples it was trained on, for their size and digest.
        model: the model.
        evaluation: says whether the model is blessed; one that is not is not pushed.
        serving: gets `version.json`: the version, or null; `pushed_anyway`, the reason to push a model that is not blessed, else null; and
            `checked`, the results of the check. The last two are in the version too.
        push_anyway: reason to push a model that is not blessed; None pushes none.
        destination: directory of the versions, `serving` under the root; the new one is `destination/<integer>`.
        check_seconds: seconds that the check may take.

    Raises:
        ValueError: the exported model fails its check.
    """
    version, checked, found = None, None, evaluation.read_json("evaluation.json")
    anyway = None if found["blessed"] else push_anyway
    text = json.dumps(found | {"pushed_anyway": anyway}, indent=1)
    if found["blessed"] or anyway:
        directory = epath.Path(destination)
        directory.mkdir(parents=True, exist_ok=True)
        digest = model.digest()
        versions = directory.iterdir() if directory.exists() else ()
        version = max((int(path.name) for path in versions if path.name.isdecimal()), default=0)
        pushed = directory / str(version) / DIGEST
        if not pushed.exists() or pushed.read_text() != digest:
            from zfnet.components.serving import check, export

            version += 1
            with _new_version(directory / str(version)) as beside, check.asking_process() as process:
                export.export(model, side=examples.side, path=beside)
                checked = check.check_export(beside, model, examples, check_seconds, process)
                (beside / DIGEST).parent.mkdir()
                (beside / DIGEST).write_text(digest)
                (beside / EXAMPLES_DIGEST).write_text(examples.digest())
                (beside / CHECKED).write_text(json.dumps(checked, indent=1))
                (beside / EVALUATION).write_text(text)
        else:
            if (directory / str(version) / CHECKED).exists():
                checked = json.loads((directory / str(version) / CHECKED).read_text())
            recorded = directory / str(version) / EVALUATION
            if not recorded.exists() or recorded.read_text() != text:
                with atomic_path(recorded) as partial:
                    partial.write_text(text)
    (serving.path / "version.json").write_text(json.dumps({"version": version, "pushed_anyway": anyway, "checked": checked}))


@contextlib.contextmanager
def _new_version(version: epath.Path) -> Iterator[epath.Path]:
    """Gives a local path at which to make the directory `version`.

    A local directory is renamed when it is complete, or to `<version>.refused` if it fails its check. A remote one can't be: the file that
    servers look for, and after it the digest, are sent last.
    """
    if not is_remote(str(version)):
        beside, refused = (version.with_name(f"{version.name}.{ending}") for ending in ("partial", "refused"))
        for earlier in (beside, refused):
            if earlier.exists():
                shutil.rmtree(earlier)
        try:
            yield beside
        except ValueError as error:
            if not beside.exists():
                raise
            beside.rename(refused)
            raise ValueError(f"{error} The exported model is kept as {refused}.") from error
        beside.rename(version)
        return
    with tempfile.TemporaryDirectory(prefix="zfnet-") as scratch:
        made = pathlib.Path(scratch) / version.name
        yield epath.Path(made)
        remote, last = RemoteDirectory(version), ["saved_model.pb", DIGEST]
        remote.upload([name for name in local_files(made) if name not in last], made)
        for name in last:
            remote.upload([name], made)
