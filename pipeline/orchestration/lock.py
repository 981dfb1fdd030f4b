"""One run at a time under a root: a lock of the kernel for a local one, an object in the storage for a remote one."""

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any, TextIO

import click
from etils import epath

from zfnet.components.storage.files import is_remote

# Seconds, for a remote lock.
RENEWED = 30.0  # between two renewals
STALE = 180.0  # since the last renewal, after which a lock counts as that of a dead process
GIVEN_UP = 90.0  # without a renewal, after which its holder ends, so that it is gone before others come
ANSWERED = 20.0  # for the storage to answer
LOOKED = 5.0  # between two attempts of a process that waits


def root_lock(root: epath.PathLike, command: str, option: str = "--root", wait: bool = False) -> contextlib.AbstractContextManager[None]:
    """Makes the local or remote directory `root` and holds it for this process during a `with` statement.

    `command` is the command line of this process, shown to other processes that want the root. `option` is the option that sets the
    directory, for messages. With `wait`, waits for another process that holds the root, after a message that names it.

    Raises:
        OSError: in that statement, if another process holds the root and `wait` is false, or it can't be made or written.
    """
    if is_remote(str(root)):
        return _remote_lock(epath.Path(root), command, option, wait)
    return _local_lock(pathlib.Path(root), command, option, wait)


@contextlib.contextmanager
def _local_lock(root: pathlib.Path, command: str, option: str, wait: bool) -> Iterator[None]:
    """Holds a local directory by the kernel's lock on the file ROOT/lock, which ends with the process; its content is for messages."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / "lock").open("a+")
    except OSError as error:
        raise OSError(f"The directory {root} can't be written ({error.strerror}). Give another with {option}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait_or_fail(root, _local_holder(file), option, wait)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        json.dump(_description(command), file)
        file.flush()
        yield


def _description(command: str) -> dict[str, Any]:
    return {"pid": os.getpid(), "since": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}", "command": command}


def _wait_or_fail(root: os.PathLike, holder: str, option: str, wait: bool) -> None:
    used = f"The directory {root} is in use by {holder}."
    if not wait:
        hint = " (`zfnet run --wait`)" if option == "--root" else ""
        raise OSError(f"{used} Wait for it{hint}, or use another {option}.")
    click.echo(f"{used} Waiting for it to end.")


def _local_holder(file: TextIO) -> str:
    file.seek(0)
    try:
        holder = json.load(file)
    except ValueError:  # It was taken a moment ago, and nothing is written yet.
        return "another process"
    return f"process {holder['pid']} since {holder['since']} ({holder['command']})"


@contextlib.contextmanager
def _remote_lock(root: epath.Path, command: str, option: str, wait: bool) -> Iterator[None]:
    """Holds a remote root by the object ROOT/lock, since a storage has no locks that end with a process.

    It is created on the condition that it does not exist, which the storage checks. Its holder renews it every half minute and removes it
    at the end. A lock that was not renewed for three minutes belongs to a dead process and is taken over; so the clocks of the machines
    must agree to about two minutes.
    """
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    try:
        lock = _RemoteLock(root, command)
        holder = lock.take()
    except (GoogleAPICallError, GoogleAuthError) as error:
        raise OSError(f"The directory {root} can't be written ({error}). Give another with {option}.") from error
    if holder is not None:
        _wait_or_fail(root, _remote_holder(holder), option, wait)
    while holder is not None:
        time.sleep(LOOKED)
        holder = lock.take()
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(lock, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        lock.release()


def _renew(lock: "_RemoteLock", ended: threading.Event) -> None:
    renewed = time.monotonic()
    while not ended.wait(RENEWED):
        asked = time.monotonic()
        try:
            holds = lock.renew()
        except Exception:  # A network that is gone for a while: others wait until the lock is stale.
            holds = time.monotonic() - renewed < GIVEN_UP
        else:
            renewed = asked  # no later than the time in the lock, from which others count
        if not holds:
            click.echo(f"The lock {lock.path} could not be renewed, so another process may hold it now: this process ends.", err=True)
            # A script's background job ignores SIGINT; `zfnet run` treats SIGTERM alike.
            ending = signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT
            if (main := threading.main_thread().ident) is not None:
                signal.pthread_kill(main, ending)  # wakes it from whatever it waits for
            return


class _RemoteLock:
    """The object ROOT/lock. Every change is conditional on the generation that this process knows; 0 means that there is no object."""

    def __init__(self, root: epath.Path, command: str) -> None:
        from google.cloud.storage import Client

        self.path = root / "lock"
        bucket, _, self._name = str(self.path).removeprefix("gs://").partition("/")
        self._bucket = Client(project=None).bucket(bucket)
        self._generation = 0
        self._own = {"token": uuid.uuid4().hex, "host": socket.gethostname(), **_description(command)}

    def take(self) -> dict[str, Any] | None:
        """Takes the lock, or returns the content of that of another process."""
        holder, generation = self._read()
        if holder is not None and time.time() - holder.get("renewed", 0) < STALE:
            return holder
        return None if self._write(generation) else self._read()[0] or {}

    def renew(self) -> bool:
        """Renews the lock; returns whether it still belongs to this process."""
        return self._write(self._generation)

    def release(self) -> None:
        """Removes the lock, if it still belongs to this process."""
        with contextlib.suppress(Exception):  # It will be stale soon.
            self._bucket.blob(self._name).delete(if_generation_match=self._generation)

    def _write(self, generation: int) -> bool:
        """Replaces the object; returns whether its generation was still `generation`."""
        from google.api_core.exceptions import PreconditionFailed

        blob = self._bucket.blob(self._name)
        try:
            content = json.dumps({**self._own, "renewed": time.time()})
            blob.upload_from_string(content, if_generation_match=generation, timeout=ANSWERED, retry=None)
            self._generation = blob.generation
        except PreconditionFailed:
            # Perhaps by this process itself: the answer was lost and the request was sent again.
            found, generation = self._read()
            if found is None or found.get("token") != self._own["token"]:
                return False
            self._generation = generation
        return True

    def _read(self) -> tuple[dict[str, Any] | None, int]:
        """The content of the object, {} if it is not a lock of zfnet, and its generation; None and 0 if there is no object."""
        from google.api_core.exceptions import NotFound, PreconditionFailed

        while (blob := self._bucket.get_blob(self._name)) is not None:
            generation = blob.generation  # read before the download, which may overwrite it
            try:
                return json.loads(blob.download_as_bytes(if_generation_match=generation)), generation
            except (NotFound, PreconditionFailed):  # It was renewed or removed a moment ago.
                continue
            except ValueError:
                return {}, generation
        return None, 0


def _remote_holder(holder: dict[str, Any]) -> str:
    if "pid" not in holder:  # It was released a moment ago.
        return "another process"
    seconds = max(0, time.time() - holder["renewed"])
    return (
        f"process {holder['pid']} on {holder['host']} since {holder['since']} ({holder['command']}), which was last "
        f"active {seconds:.0f} s ago and counts as dead after {STALE:.0f} s"
    )
