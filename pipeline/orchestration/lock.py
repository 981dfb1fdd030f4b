"""One run at a time under a root."""

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator
from typing import TextIO

import click
from etils import epath

from zfnet.components.storage.files import is_remote
from zfnet.pipeline.messages import advice


def root_lock(root: epath.PathLike, command: str, option: str = "--root", wait: bool = False) -> contextlib.AbstractContextManager[None]:
    """Makes `root` and holds it for this process.

    Args:
        root: the directory, local or remote.
        command: the command line of this process, to be told to whoever comes second.
        option: the option by which another directory is given, for that message.
        wait: whether to wait for another process that holds the root, after saying who it is.

    Returns:
        What holds the root during a `with` statement.

    Raises:
        OSError: in that statement, if another process holds the root and `wait` is false, or it can't be made or written. The message says
            which.
    """
    if is_remote(str(root)):
        from zfnet.pipeline.orchestration.remote_lock import remote_lock

        return remote_lock(epath.Path(root), command, option, wait)
    return _local_lock(pathlib.Path(root), command, option, wait)


@contextlib.contextmanager
def _local_lock(root: pathlib.Path, command: str, option: str, wait: bool) -> Iterator[None]:
    """Holds a local directory.

    The lock is the kernel's, on the open file ROOT/lock, and ends with the process however that ends. What the file contains is only
    there to be told to whoever comes second.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / "lock").open("a+")
    except OSError as error:
        raise OSError(f"The directory {root} can't be written ({error.strerror}). Give another with {option}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            used = f"The directory {root} is in use by {_holder(file)}."
            if not wait:
                raise OSError(f"{used} {advice(option)}") from error
            click.echo(f"{used} Waiting for it to end.")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        json.dump({"pid": os.getpid(), "since": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}", "command": command}, file)
        file.flush()
        yield


def _holder(file: TextIO) -> str:
    file.seek(0)
    try:
        holder = json.load(file)
    except ValueError:  # It was taken a moment ago, and nothing is written yet.
        return "another process"
    return f"process {holder['pid']} since {holder['since']} ({holder['command']})"
