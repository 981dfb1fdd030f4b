"""A training on several machines, seen from each of them: joined, and joined again when a machine was lost.

The training runs in a process of its own, `python -m zfnet.components.training.cluster CALL FAILURE`, since TensorFlow joins a cluster
before anything else or not at all, and cannot join again once another machine was lost. Its exit codes: 0 trained, `FAILED` with the
reason in the file FAILURE, `LOST` if it is worth to join again, and `INTERRUPTED`.
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from zfnet.components.storage.files import atomic_file

FAILED, LOST, INTERRUPTED = 3, 75, 130
CALL, FAILURE = "cluster.json", "cluster-failure.txt"
# Times that a machine may be lost without a checkpoint between.
ATTEMPTS = 5
POLL = 0.5  # seconds
# Seconds for the others to finish when the chief has what it wanted.
GRACE = 20


@dataclasses.dataclass(frozen=True)
class Call:
    """A training for all members of a cluster: the fields of a recipe, and directories and settings as `trainer.train` takes them.

    The directories and the start are the same on all machines.
    """

    recipe: dict
    examples: str
    statistics: str
    model: str
    checkpoints: str
    tensorboard: str
    keep_every: float
    keep_checkpoints: bool = False
    start: str | None = None
    start_digest: str | None = None


def lead(call: Call) -> None:
    """Trains as the chief: publishes the call for the other machines, and joins them.

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
                raise OSError(
                    f"Machines of the cluster were lost {ATTEMPTS} times without progress. Run the same command again to continue."
                )
            print("A machine of the cluster was lost. Training continues from the last checkpoint when all machines are back.", flush=True)
            time.sleep(POLL)
    finally:
        file.unlink(missing_ok=True)
        failure.unlink(missing_ok=True)


def follow(folder: pathlib.Path, name: str, ended: Callable[[], bool]) -> None:
    """Trains as a machine that is not the chief: waits for the chief's calls, and joins, until the chief's run ended.

    `folder` is the parent of the directories of checkpoints, the same on all machines. The chief's message has the `name` of this machine
    if the training fails here.

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
    """Writes the call for one attempt; the new file tells the others that it is another."""
    with atomic_file(str(file)) as stream:
        stream.write(json.dumps(dataclasses.asdict(call)).encode())
    return file


def _identity(file: pathlib.Path) -> tuple[int, int] | None:
    """Identity of a call, another for every attempt; None if there is no call."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _member(call: pathlib.Path, ended: Callable[[], bool]) -> bool:
    """Runs the process that trains; False if another machine was lost, or the chief made another call."""
    identity = _identity(call)
    with tempfile.TemporaryDirectory() as scratch:
        failure = pathlib.Path(scratch) / "failure"
        arguments = [sys.executable, "-m", "zfnet.components.training.cluster", os.fspath(call), os.fspath(failure)]
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


def main(call_file: str, failure_file: str) -> int:
    """Trains; returns the exit code."""
    _end_with_parent()
    try:
        call = Call(**json.loads(pathlib.Path(call_file).read_text()))
    except FileNotFoundError:  # The chief has made another call.
        return LOST
    import tensorflow as tf

    from zfnet.components.artifacts import Examples, Model, Statistics
    from zfnet.components.data.damage import named_damage
    from zfnet.components.training.checkpoints import Checkpoints
    from zfnet.components.training.devices import ClusterChangedError
    from zfnet.components.training.fit import fit
    from zfnet.components.training.recipe import Recipe

    # TensorFlow's errors when it does not hear of another machine any more.
    errors = tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError, tf.errors.CancelledError
    try:
        examples, statistics, model = Examples(call.examples), Statistics(call.statistics), Model(call.model)
        kept = Checkpoints(pathlib.Path(call.checkpoints))
        with named_damage(examples):
            settings = call.tensorboard, call.keep_every, call.keep_checkpoints, call.start, call.start_digest
            fit(Recipe(**call.recipe), examples, statistics, model, kept, *settings)
    except (*errors, ClusterChangedError):
        return LOST
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        known = isinstance(error, ValueError | OSError)
        pathlib.Path(failure_file).write_text(str(error) if known else f"{type(error).__name__}: {error}")
        return FAILED
    return 0


def _end_with_parent() -> None:
    """Lets the kernel end this process when its parent has ended, on Linux.

    A thread could not: while TensorFlow waits for other machines, no other thread of Python runs.
    """
    if sys.platform == "linux":
        prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
        prctl(set_parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    # Not sys.exit, which would wait for threads of TensorFlow that wait for machines that are gone.
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
