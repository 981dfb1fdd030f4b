"""A training on several machines, seen from each of them: joined, and joined again when a machine was lost."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from zfnet.components.training.cluster_member import FAILED, INTERRUPTED, Call

CALL = "cluster.json"
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
        ValueError: if the training failed.
        OSError: if machines were lost time after time.
    """
    folder = pathlib.Path(call.checkpoints)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.parent.glob(f"*/{CALL}"):  # of a chief that was killed
        stale.unlink()
    beside, file = folder / f".{CALL}.partial", folder / CALL
    beside.write_text(json.dumps(dataclasses.asdict(call)))
    beside.rename(file)
    try:
        attempts, newest = 0, ""
        while not _member(file, _identity(file)):
            last = max((path.name for path in folder.glob("epoch-*") if not path.suffix), default="")
            attempts, newest = (1 if last > newest else attempts + 1), last
            if attempts == ATTEMPTS:
                raise OSError(f"Machines of the cluster were lost {ATTEMPTS} times without progress. The same command goes on.")
            print(
                f"A machine of the cluster was lost. When all are there again, training goes on from {last or 'the beginning'}.", flush=True
            )
            time.sleep(POLL)
    finally:
        file.unlink(missing_ok=True)


def follow(folder: pathlib.Path, ended: Callable[[], bool]) -> None:
    """Trains as a machine that is not the chief: waits for what the chief says to train, and joins, until the chief's run ended.

    Args:
        folder: where the directories of checkpoints lie, the same on all machines.
        ended: asked whether the chief's run ended.

    Raises:
        ValueError: if the training failed.
    """
    trained = None
    while not ended():
        for file in folder.glob(f"*/{CALL}"):
            identity = _identity(file)
            if identity not in (None, trained) and _member(file, identity):
                trained = identity
        time.sleep(POLL)


def _identity(file: pathlib.Path) -> tuple[int, int] | None:
    """Tells one call from the next, even if the same is called for; None if there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _member(call: pathlib.Path, identity: tuple[int, int]) -> bool:
    """Runs the process that trains; False if another machine was lost, or the chief calls for something else."""
    with tempfile.TemporaryDirectory() as scratch:
        failure = pathlib.Path(scratch) / "failure"
        arguments = [sys.executable, "-m", "zfnet.components.training.cluster_member", os.fspath(call), os.fspath(failure)]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE) as process:
            try:
                overdue = 0
                while process.poll() is None:
                    time.sleep(POLL)
                    overdue = 0 if _identity(call) == identity else overdue + 1
                    if overdue * POLL > GRACE:
                        process.kill()
            except KeyboardInterrupt:
                process.terminate()  # It writes a checkpoint first.
                process.wait()
                raise
        if process.returncode == FAILED:
            raise ValueError(failure.read_text())
        if process.returncode == INTERRUPTED:
            raise KeyboardInterrupt
        return process.returncode == 0
