"""The lock of a remote root: an object that its holder made, and keeps renewing as long as it lives."""

import contextlib
import datetime
import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import click
from etils import epath

from zfnet.pipeline.messages import advice

# Seconds after which a lock is renewed; after which one that was not is taken for that of a process that died; after which its holder, who
# can't renew it, ends, so that it has left before others come; that a storage may take to answer; and between two looks of one that waits.
RENEWED = 30.0
STALE = 180.0
GIVEN_UP = 90.0
ANSWERED = 20.0
LOOKED = 5.0


@contextlib.contextmanager
def remote_lock(root: epath.Path, command: str, option: str, wait: bool) -> Iterator[None]:
    """Holds a remote root for this process; see `root_lock`.

    No kernel watches over a storage. ROOT/lock is made only if it isn't there, which the storage decides, and says who holds the root and
    since when. Its holder writes it anew every half minute, and removes it at the end. One that was not renewed for three minutes
    is that of a process that died, and is taken over; so the clocks of the machines must agree to about two minutes.
    """
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    told = False
    try:
        lock = _Lock(root, command)
        holder = lock.take()
    except (GoogleAPICallError, GoogleAuthError) as error:
        raise OSError(f"The directory {root} can't be written ({error}). Give another with {option}.") from error
    while holder is not None:
        used = f"The directory {root} is in use by {_described(holder)}."
        if not wait:
            raise OSError(f"{used} {advice(option)}")
        if not told:
            click.echo(f"{used} Waiting for it to end.")
        told = True
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


def _renew(lock: "_Lock", ended: threading.Event) -> None:
    renewed = time.monotonic()
    while not ended.wait(RENEWED):
        asked = time.monotonic()
        try:
            holds = lock.renew()
        except Exception:  # A network that is gone for a while: others wait until the lock is stale.
            holds = time.monotonic() - renewed < GIVEN_UP
        else:
            renewed = asked  # what others count from is no later
        if not holds:
            click.echo(
                f"The lock {lock.path} could not be renewed, and may be another process's now: this one ends.",
                err=True,
            )
            # A script's background job is deaf to Ctrl-C; `zfnet run` takes the other alike.
            ending = signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT
            if (main := threading.main_thread().ident) is not None:
                signal.pthread_kill(main, ending)  # wakes it from whatever it waits for
            return


class _Lock:
    """The object ROOT/lock, as this process knows it: every change is bound to the generation that is known, or to there being none."""

    def __init__(self, root: epath.Path, command: str) -> None:
        from google.cloud.storage import Client

        self.path = root / "lock"
        bucket, _, self._name = str(self.path).removeprefix("gs://").partition("/")
        self._bucket = Client(project=None).bucket(bucket)
        self._generation = 0
        self._own = {
            "token": uuid.uuid4().hex,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
            "command": command,
        }

    def take(self) -> dict[str, Any] | None:
        """Takes the lock, unless another process holds it, which is returned."""
        holder, generation = self._read()
        if holder is not None and time.time() - holder.get("renewed", 0) < STALE:
            return holder
        return None if self._write(generation) else self._read()[0] or {}

    def renew(self) -> bool:
        """Writes the lock anew; returns whether it is still this process's."""
        return self._write(self._generation)

    def release(self) -> None:
        """Removes the lock, if it is still this process's."""
        with contextlib.suppress(Exception):  # It is stale soon.
            self._bucket.blob(self._name).delete(if_generation_match=self._generation)

    def _write(self, generation: int) -> bool:
        """Writes the object in place of that of a generation; returns whether it was still that one."""
        from google.api_core.exceptions import PreconditionFailed

        blob = self._bucket.blob(self._name)
        try:
            content = json.dumps({**self._own, "renewed": time.time()})
            blob.upload_from_string(content, if_generation_match=generation, timeout=ANSWERED, retry=None)
            self._generation = blob.generation
        except PreconditionFailed:
            # Or it was written, the answer was lost, and it was sent again.
            found, generation = self._read()
            if found is None or found.get("token") != self._own["token"]:
                return False
            self._generation = generation
        return True

    def _read(self) -> tuple[dict[str, Any] | None, int]:
        """What the object holds, {} if it is none of ours, and its generation; None and 0 if there is none."""
        from google.api_core.exceptions import NotFound, PreconditionFailed

        while (blob := self._bucket.get_blob(self._name)) is not None:
            generation = blob.generation  # The download overwrites it by what the answer says, or doesn't.
            try:
                return json.loads(blob.download_as_bytes(if_generation_match=generation)), generation
            except (NotFound, PreconditionFailed):  # It was renewed or removed a moment ago.
                continue
            except ValueError:
                return {}, generation
        return None, 0


def _described(holder: dict[str, Any]) -> str:
    if "pid" not in holder:  # It was let go a moment ago.
        return "another process"
    seconds = max(0, time.time() - holder["renewed"])
    return (
        f"process {holder['pid']} on {holder['host']} since {holder['since']} ({holder['command']}), which was last heard of "
        f"{seconds:.0f} s ago and counts as dead after {STALE:.0f} s"
    )
