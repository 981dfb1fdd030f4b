"""`zfnet run` on a machine of a cluster that is not its chief."""

import json
import pathlib
from typing import Any

from etils import epath

from zfnet.components.data.storage import is_remote


def follow_chief(root: epath.PathLike) -> dict[str, Any]:
    """Takes part in the training of the run that the chief makes under the same root, until that run has ended.

    Args:
        root: the directory of the run, which all machines see under the same path.

    Returns:
        The content of the chief's run.json.

    Raises:
        ValueError: the training failed, or the root is no directory that machines can share.
    """
    if is_remote(str(root)):
        raise ValueError(f"The root {root} is in a remote storage; machines that train together need a directory that all of them see.")
    root = pathlib.Path(root)
    from zfnet.components.training.cluster_training import follow

    before = _written(root)
    follow(root / "trainer", lambda: _written(root) != before)
    return json.loads((root / "run.json").read_text())


def _written(root: pathlib.Path) -> tuple[int, int] | None:
    file = root / "run.json"
    if not file.exists():
        return None
    status = file.stat()
    return status.st_ino, status.st_mtime_ns
