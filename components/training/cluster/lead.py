"""A training on several machines, seen from each of them: joined, and joined again when a machine was lost."""

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from zfnet.components.storage.files import atomic_file
from zfnet.components.training.cluster.member import FAILED, INTERRUPTED, LOST, Call

CALL, FAILURE = "cluster.json", "cluster-failure.txt"
# Times that a machine may be lost without a checkpoint between.
ATTEMPTS = 5
POLL = 0.5  # seconds
# Seconds for the others to finish when the chief has what it wanted.
GRACE = 20


def lead(call: Call) -> None:
    """Trains as the chief: tells the other machines what to train, and joins them.

    Args:
        call: what to train.

    Raises:
        ValueError: if the training failed, here or on another machine.
        OSError: if machines were lost time after time.
    """
    folder = pathlib.Path(call.checkpoints)
    file, failure = folder / CALL, folder / FAILURE
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (stale for name in (CALL, FAILURE) for stale in folder.parent.glob(f"*/{name}")):  # of a chief that was killed
        stale.unlink()
    attempts, newest = 0, None
    try:
        while not _member(_written_anew(file, call), failure.exists):
            if failure.exists():
                raise ValueError(failure.read_text())
            # A checkpoint that was not there before is progress.
            last = {path.name for path in folder.glob("epoch-*") if not path.suffix}
            attempts, newest = (1 if last != newest else attempts + 1), last
            if attempts == ATTEMPTS:
                raise OSError(f"Machines of the cluster were lost {ATTEMPTS} times without progress. The same command goes on.")
            print("A machine of the cluster was lost. When all are there again, training goes on from the last checkpoint.", flush=True)
            time.sleep(POLL)
    finally:
        file.unlink(missing_ok=True)
        failure.unlink(missing_ok=True)


def follow(folder: pathlib.Path, name: str, ended: Callable[[], bool]) -> None:
    """Trains as a machine that is not the chief: waits for what the chief says to train, and joins, until the chief's run ended.

    Args:
        folder: where the directories of checkpoints lie, the same on all machines.
        name: of this machine, for the chief to tell if the training fails here.
        ended: asked whether the chief's run ended.

    Raises:
        ValueError: if the training failed here.
    """
    trained = None
    while not ended():
        for file in folder.glob(f"*/{CALL}"):
            if (identity := _identity(file)) in (None, trained):
                continue
            try:
                if _member(file, ended):
                    trained = identity
            except ValueError as error:
                with atomic_file(str(file.with_name(FAILURE))) as stream:
                    stream.write(f"{name}: {error}".encode())
                raise
        time.sleep(POLL)


def _written_anew(file: pathlib.Path, call: Call) -> pathlib.Path:
    """Writes the call for one attempt, which the others tell from the one before."""
    with atomic_file(str(file)) as stream:
        stream.write(json.dumps(dataclasses.asdict(call)).encode())
    return file


def _identity(file: pathlib.Path) -> tuple[int, int] | None:
    """Tells one call from the next, even if the same is called for; None if there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _member(call: pathlib.Path, ended: Callable[[], bool]) -> bool:
    """Runs the process that trains; False if another machine was lost, or the chief calls for something else."""
    identity = _identity(call)
    with tempfile.TemporaryDirectory() as scratch:
        failure = pathlib.Path(scratch) / "failure"
        arguments = [sys.executable, "-m", "zfnet.components.training.cluster.member", os.fspath(call), os.fspath(failure)]
        # In a session of its own: what a terminal sends to this process goes to that one once, from here.
        with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                overdue = 0
                while process.poll() is None:
                    time.sleep(POLL)
                    overdue = overdue + 1 if ended() or _identity(call) != identity else 0
                    if overdue * POLL > GRACE:
                        process.kill()
            except KeyboardInterrupt:
                process.terminate()  # It writes a checkpoint first, unless it waits for other machines, and hears nothing.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(3 * GRACE)
                process.kill()
                raise
        if process.returncode == INTERRUPTED:
            raise KeyboardInterrupt
        if process.returncode > 0 and process.returncode != LOST:
            raise ValueError(failure.read_text() if process.returncode == FAILED else f"The training ended with code {process.returncode}.")
        return process.returncode == 0
