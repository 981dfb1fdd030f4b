"""Local places for what libraries write that know local files alone, and the way from there to a remote storage."""

import contextlib
import pathlib
import tempfile
import threading
from collections.abc import Iterator
from typing import TypeVar

from zfnet.components.storage.files import Located, is_remote
from zfnet.components.storage.remote_directory import RemoteDirectory, local_files

A = TypeVar("A", bound=Located)
# Seconds between two looks at what was written to a synced directory.
INTERVAL = 60.0


@contextlib.contextmanager
def staged_output(artifact: A) -> Iterator[A]:
    """Gives a local artifact to write, whose files are sent to `artifact` when the `with` statement ends well.

    Args:
        artifact: where to. If it is local it is given itself.

    Yields:
        An artifact of the same class, in an empty local directory.
    """
    if not is_remote(str(artifact.path)):
        yield artifact
        return
    with tempfile.TemporaryDirectory(prefix="zfnet-") as scratch:
        yield type(artifact)(scratch)
        RemoteDirectory(artifact.path).upload(local_files(pathlib.Path(scratch)), pathlib.Path(scratch))


@contextlib.contextmanager
def synced_directory(directory: str, interval: float = INTERVAL, last: str | None = None) -> Iterator[str]:
    """Gives a local directory with what `directory` holds; what is written and removed there is written and removed in `directory` too.

    That happens about every minute and when the `with` statement ends, however it does: so logs can be followed, and checkpoints outlive a
    machine that is taken away. Files and directories called `*.partial` are passed over.

    Args:
        directory: path of a directory, of which nobody else writes a file. If it is local it is given itself.
        interval: seconds between two looks.
        last: name of the files that say of their directories that they are whole, and are sent when all others have been.

    Yields:
        Path of the local directory.
    """
    if not is_remote(directory):
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="zfnet-") as scratch:
        mirror, ended = _Mirror(directory, pathlib.Path(scratch), last), threading.Event()

        def follow() -> None:
            while not ended.wait(interval):
                with contextlib.suppress(Exception):  # a network that is gone for a while; the last look tells if it stays away
                    mirror.send()

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield scratch
        finally:
            ended.set()
            thread.join()
            mirror.send()


class _Mirror:
    def __init__(self, remote: str, local: pathlib.Path, last: str | None) -> None:
        self._remote, self._local, self._last = RemoteDirectory(remote), local, last
        self._remote.download(self._remote.files(), local)
        self._sent = self._states()

    def send(self) -> None:
        """Sends what changed; what is no longer there is removed last."""
        states = self._states()
        changed = [name for name, state in states.items() if self._sent.get(name) != state]
        for turn in (False, True):
            self._remote.upload([name for name in changed if (pathlib.PurePath(name).name == self._last) is turn], self._local)
        self._remote.remove(self._sent.keys() - states.keys())
        self._sent = states

    def _states(self) -> dict[str, tuple[int, int]]:
        states = {}
        for name in local_files(self._local):
            if not any(part.endswith(".partial") for part in pathlib.PurePath(name).parts):
                with contextlib.suppress(FileNotFoundError):  # removed a moment ago
                    status = (self._local / name).stat()
                    states[name] = (status.st_size, status.st_mtime_ns)
        return states
