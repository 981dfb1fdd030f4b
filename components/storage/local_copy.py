"""Local places for libraries that know local files alone: copies of what lies in a remote storage, and outputs that are sent there."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from typing import Protocol, TypeVar

from etils import epath

from zfnet.components.storage.files import RemoteDirectory, RemoteFile, is_remote, local_files

# Seconds between two uploads of what changed in a synced directory.
INTERVAL = 60.0


class Located(Protocol):
    """Type of an object that is made from the path of its directory, such as an artifact."""

    path: epath.Path

    def __init__(self, path: epath.PathLike) -> None: ...


A = TypeVar("A", bound=Located)


def local_copy(artifact: A) -> A:
    """The artifact itself if it is local, else a local copy of the same class, which is fetched once.

    Copies are kept in `artifacts` below `cache_directory()`, under a digest of the path and of every file's size and version. Each is
    complete or does not exist. The artifact must be complete, and never change afterwards.

    Raises:
        OSError: it can't be fetched, or is empty.
    """
    if not is_remote(artifact.path):
        return artifact
    return type(artifact)(_copy(artifact.path, RemoteDirectory(artifact.path).files()))


def local_file(path: epath.PathLike) -> pathlib.Path:
    """A single file on this machine: itself if it is local, else a copy, see `local_copy`."""
    if not is_remote(path):
        return pathlib.Path(path)
    directory, name = epath.Path(path).parent, epath.Path(path).name
    found = RemoteDirectory(directory).files()
    return _copy(directory, {name: found[name]} if name in found else {}) / name


def cache_directory() -> pathlib.Path:
    """The directory of copies, made if missing: `zfnet` below XDG_CACHE_HOME, by default `~/.cache/zfnet`. It may be deleted."""
    directory = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "zfnet"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _copy(source: epath.Path, files: dict[str, RemoteFile]) -> pathlib.Path:
    if not files:
        raise FileNotFoundError(f"There is nothing in {source}.")
    listed = "".join(f"{name}\0{file.size}\0{file.version}\n" for name, file in files.items())
    copy = cache_directory() / "artifacts" / hashlib.sha256(f"{source}\n{listed}".encode()).hexdigest()
    if copy.exists():
        return copy
    beside = copy.with_name(f"{copy.name}.{uuid.uuid4().hex}.partial")
    try:
        RemoteDirectory(source).download(files, beside)
        for name, file in files.items():
            if (size := (beside / name).stat().st_size) != file.size:
                raise OSError(f"Of {source}/{name} {size} bytes were fetched, expected {file.size}: try again.")
        try:
            beside.rename(copy)
        except OSError:
            if not copy.exists():  # Another process was as fast.
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return copy


@contextlib.contextmanager
def staged_output(artifact: A) -> Iterator[A]:
    """Yields a local artifact to write, whose files are sent to `artifact` when the `with` statement ends well.

    It is of the same class and empty; if `artifact` is local, `artifact` itself.
    """
    if not is_remote(artifact.path):
        yield artifact
        return
    with tempfile.TemporaryDirectory(prefix="zfnet-") as scratch:
        yield type(artifact)(scratch)
        RemoteDirectory(artifact.path).upload(local_files(pathlib.Path(scratch)), pathlib.Path(scratch))


@contextlib.contextmanager
def synced_directory(directory: str, interval: float = INTERVAL, last: str | None = None) -> Iterator[str]:
    """Yields a local directory with the files of `directory`; files that are written or removed there are written or removed here too.

    That happens every `interval` seconds and when the `with` statement ends, however it does: so logs can be followed, and checkpoints
    outlive a machine that is taken away. Files and directories called `*.partial` are not sent.

    Nobody else writes to `directory`; if it is local, it is yielded itself. `last` is the name of the files that mark their directories as
    complete, and are sent after all others.
    """
    if not is_remote(directory):
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="zfnet-") as scratch:
        mirror, ended = _Mirror(directory, pathlib.Path(scratch), last), threading.Event()

        def follow() -> None:
            while not ended.wait(interval):
                with contextlib.suppress(Exception):  # The network may be gone for a while; the last upload fails if it stays away.
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
        """Uploads changed files, and removes those that are gone."""
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
