"""Copies on this machine of what lies in a remote storage, for libraries that read local files alone."""

import hashlib
import os
import pathlib
import shutil
import uuid
from typing import TypeVar

from etils import epath

from zfnet.components.storage.files import Located, is_remote
from zfnet.components.storage.remote_directory import RemoteDirectory, RemoteFile

A = TypeVar("A", bound=Located)


def local_copy(artifact: A) -> A:
    """The artifact itself if it is local, else a copy of it, which is fetched once.

    Copies are kept in `artifacts` below `cache_directory()`, under a digest of the path and of what the storage says of every file: its
    size and version. Each is whole or not there.

    Args:
        artifact: complete, and never changed afterwards.

    Returns:
        An artifact of the same class, in a local directory.

    Raises:
        OSError: it can't be fetched, or there is nothing.
    """
    if not is_remote(str(artifact.path)):
        return artifact
    return type(artifact)(_copy(artifact.path, RemoteDirectory(artifact.path).files()))


def local_file(path: epath.PathLike) -> pathlib.Path:
    """A single file on this machine: itself if it is local, else a copy as `local_copy` makes it.

    Raises:
        OSError: it can't be fetched, or there is none.
    """
    if not is_remote(str(path)):
        return pathlib.Path(path)
    directory, name = epath.Path(path).parent, epath.Path(path).name
    found = RemoteDirectory(directory).files()
    return _copy(directory, {name: found[name]} if name in found else {}) / name


def cache_directory() -> pathlib.Path:
    """Where copies are kept, made if missing: `zfnet` below XDG_CACHE_HOME, by default `~/.cache/zfnet`. It may be deleted."""
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
