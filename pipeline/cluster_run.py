"""A run that several machines take part in: the first makes it, the others follow."""

import contextlib
import json
import pathlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import click
from etils import epath

from zfnet.components.data.storage import is_remote
from zfnet.components.training.cluster_task import Task, read_task
from zfnet.pipeline.error_message import error_message
from zfnet.pipeline.written_beside import written_beside

ANNOUNCED = "cluster_run.json"
# Seconds that the first machine may take to begin, and between two looks.
LONGEST_WAIT = 600.0
POLL = 0.5


@contextlib.contextmanager
def announced_run(root: epath.Path) -> Iterator[None]:
    """Tells the other machines of a cluster, if there is one, that a run has begun, and in the end how it ended.

    Args:
        root: the directory of the run, which this process holds.
    """
    task = read_task()
    if not task or task.workers == 1 or is_remote(str(root)):
        yield
        return
    run = uuid.uuid4().hex
    _write(root, run, ended=False)
    try:
        yield
    except BaseException as error:
        _write(root, run, ended=True, error=error_message(error))
        raise
    _write(root, run, ended=True)


def follow_run(root: epath.PathLike, task: Task, longest_wait: float = LONGEST_WAIT) -> None:
    """Takes part in the training of the run that the first machine makes under the same root, until that run has ended.

    Args:
        root: the directory of the run, which all machines see under the same path.
        task: the place of this machine.
        longest_wait: seconds that the run may take to begin.

    Raises:
        ValueError: the run failed, or the root is no directory that machines can share.
        OSError: there is no run.
    """
    from zfnet.components.training.cluster_training import follow

    if is_remote(str(root)):
        raise ValueError(f"The root {root} is in a remote storage; machines that train together need a directory that all of them see.")
    root, name = pathlib.Path(root), f"Machine {task.index + 1} of {task.workers}"
    click.echo(f"{name}: waiting for the run of the first under {root}.")
    over = time.monotonic() + longest_wait
    # A run that had ended when this machine came was one before. Another that has ended since then failed at once.
    before = _read(root).get("run")
    while _ended(root) and _read(root).get("run") == before:
        if time.monotonic() > over:
            raise OSError(f"There was no run of the first machine under {root} for {longest_wait:.0f} s. Start the same command there too.")
        time.sleep(POLL)
    click.echo(f"{name}: following it.")

    # Should the first machine be lost and come back, its run is another one, and followed as well.
    follow(root / "trainer", name, lambda: _ended(root))
    if error := _read(root).get("error"):
        raise ValueError(f"The run of the first machine failed: {error}")
    click.echo(f"{name}: it ended.")


def _write(root: epath.Path, run: str, ended: bool, error: str | None = None) -> None:
    with written_beside(root / ANNOUNCED) as partial:
        partial.write_text(json.dumps({"run": run, "ended": ended, "error": error}))


def _ended(root: pathlib.Path) -> bool:
    return _read(root).get("ended", True)


def _read(root: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads((root / ANNOUNCED).read_text())
    except FileNotFoundError:
        return {}
