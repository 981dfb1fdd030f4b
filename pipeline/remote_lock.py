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

# Seconds after which a lock is renewed; after which one that was not is taken for that of a process that died; and between two looks
# of a process that waits.
RENEWED = 30.0
STALE = 180.0
LOOKED = 5.0


@contextlib.contextmanager
def remote_lock(root: epath.Path, command: str, option: str, wait: bool) -> Iterator[None]:
    """Holds a remote root for this process; see `root_lock`.

    No kernel watches over a storage. ROOT/lock is made only if it isn't there, which the storage decides, and says who holds the root and
    since when. Its holder writes it anew every half minute, and removes it at the end. One that was not renewed for three minutes
    is that of a process that died, and is taken over; so the clocks of the machines must agree to about two minutes.
    """
    lock = _Lock(root / "lock", command)
    told = False
    while (holder := lock.take()) is not None:
        used = f"The directory {root} is in use by {_described(holder)}."
        if not wait:
            raise OSError(f"{used} Wait for it (`zfnet run` does with --wait), or give another with {option}.")
        if not told:
            click.echo(f"{used} Waiting for it to end.")
        told = True
        time.sleep(LOOKED)
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
        try:
            holds = lock.renew()
        except Exception:  # A network that is gone for a while: others wait until the lock is stale.
            holds = time.monotonic() - renewed < STALE
        else:
            renewed = time.monotonic()
        if not holds:
            click.echo(
                f"The lock {lock.path} was not renewed for {STALE:.0f} s, and may be another process's now: this one ends.", err=True
            )
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # wakes it from whatever it waits for
            return


class _Lock:
    """The object at `path`, as this process sees it."""

    def __init__(self, path: epath.Path, command: str):
        self.path = path
        self._own = {
            "token": uuid.uuid4().hex,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
            "command": command,
        }

    def take(self) -> dict[str, Any] | None:
        """Takes the lock, unless another process holds it, which is returned."""
        holder = self._read()
        if holder is not None:
            if time.time() - holder.get("renewed", 0) < STALE:
                return holder
            self.path.unlink(missing_ok=True)
        if not self._create():
            return self._read() or {}
        # Of several that found the same stale lock, one may have removed what another had made: the one whose it is in the end has it.
        if holder is not None:
            time.sleep(min(LOOKED, STALE / 4))
        return None if self._is_own(holder := self._read()) else holder or {}

    def renew(self) -> bool:
        """Writes the lock anew; returns whether it is still this process's."""
        if not self._is_own(self._read()):
            return False
        self.path.write_bytes(self._content())
        return True

    def release(self) -> None:
        """Removes the lock, if it is still this process's."""
        with contextlib.suppress(OSError):  # It is stale soon.
            if self._is_own(self._read()):
                self.path.unlink(missing_ok=True)

    def _create(self) -> bool:
        import fsspec

        system, path = fsspec.url_to_fs(str(self.path))
        try:
            system.pipe_file(path, self._content(), mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            raise OSError(f"The directory {self.path.parent} can't be written ({error}).") from error
        return True

    def _read(self) -> dict[str, Any] | None:
        try:
            return json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:  # none of ours
            return {}

    def _is_own(self, found: dict[str, Any] | None) -> bool:
        return found is not None and found.get("token") == self._own["token"]

    def _content(self) -> bytes:
        return json.dumps({**self._own, "renewed": time.time()}).encode()


def _described(holder: dict[str, Any]) -> str:
    if "pid" not in holder:  # It was let go a moment ago.
        return "another process"
    seconds = max(0, time.time() - holder["renewed"])
    return (
        f"process {holder['pid']} on {holder['host']} since {holder['since']} ({holder['command']}), which was last heard of "
        f"{seconds:.0f} s ago and counts as dead after {STALE:.0f} s"
    )
