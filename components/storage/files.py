"""Files on a local disk or in a remote storage, without TensorFlow: writes are atomic, and directories are sent and fetched at once."""

import contextlib
import functools
import os
import pathlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple, TypeVar

from etils import epath

_LOCAL_OPERATIONS: tuple[Callable, Callable, Callable] = functools.partial(open, mode="wb"), os.replace, os.unlink
P = TypeVar("P", pathlib.Path, epath.Path)
# Folders and files that systems put beside photographs: macOS, Windows, Linux, and the disks of Synology and QNAP.
CLUTTER = {"__macosx", "$recycle.bin", "recycler", "system volume information", "lost+found", "@eadir", "#recycle", "#snapshot"}
CLUTTER |= {"@recycle", "@recently-snapshot", "@tmp", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}


class Entry(NamedTuple):
    """One entry of a folder: name, size in bytes (0 for a link that leads nowhere), and last change in the storage's own unit."""

    name: str
    size: int
    changed: float


def is_remote(path: epath.PathLike) -> bool:
    """Whether a path names its storage, as `gs://bucket/folder` does, rather than a place on a local disk."""
    return "://" in str(path)


def is_clutter(name: str) -> bool:
    """Whether a file or folder belongs to a system rather than to its user: one of `CLUTTER`, or its name begins with a dot."""
    return name.startswith(".") or name.casefold() in CLUTTER


def list_folder(folder: str) -> list[Entry]:
    """The entries of a folder without clutter, sorted by name.

    On a local disk everything else is listed, links that lead nowhere and folders too, so that nothing is left out silently; a remote
    storage has files alone.
    """
    entries = _list_remote(folder) if is_remote(folder) else _list_local(folder)
    return sorted((entry for entry in entries if not is_clutter(entry.name)), key=lambda entry: entry.name)


def _list_local(folder: str) -> Iterator[Entry]:
    with os.scandir(folder) as entries:  # a tenth of the time that Path takes, which counts for a million files
        for entry in entries:
            try:
                status = entry.stat()
            except OSError:
                yield Entry(entry.name, 0, 0)
            else:
                yield Entry(entry.name, status.st_size, status.st_mtime_ns)


def _list_remote(folder: str) -> Iterator[Entry]:
    # Brackets keep a star or a bracket in the folder's own name from being a pattern.
    pattern = "".join(f"[{character}]" if character in "*?[" else character for character in folder)
    for found in _file_systems().match([f"{pattern}/*"])[0].metadata_list:
        if name := found.path[len(folder) + 1 :]:  # some tools mark a folder by an empty object of its name
            yield Entry(name, found.size_in_bytes, found.last_updated_in_seconds)


def open_file(path: str) -> BinaryIO:
    """Opens a file to read its bytes."""
    if not is_remote(path):
        return pathlib.Path(path).open("rb")
    return _file_systems().open(path, compression_type="uncompressed")


@contextlib.contextmanager
def atomic_file(path: str) -> Iterator[BinaryIO]:
    """Yields a binary file to write, which gets the name `path` only when the `with` statement ends well.

    Its name until then is unique, so that two workers with the same work do not disturb each other.
    """
    create, rename, remove = _remote_operations() if is_remote(path) else _LOCAL_OPERATIONS
    partial = f"{path}.{uuid.uuid4().hex}.partial"
    try:
        with create(partial) as file:
            yield file
        rename(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report
            remove(partial)
        raise


def _remote_operations() -> tuple[Callable, Callable, Callable]:
    systems = _file_systems()
    return (
        functools.partial(systems.create, compression_type="uncompressed"),
        lambda partial, path: systems.rename([partial], [path]),
        lambda partial: systems.delete([partial]),
    )


def _file_systems() -> Any:
    """Beam's `FileSystems`, which only a remote path has to wait for."""
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


@contextlib.contextmanager
def atomic_path(path: P) -> Iterator[P]:
    """Yields a path beside `path` to write to, which becomes `path` when the `with` statement ends well.

    A remote storage shows only complete files: there `path` itself is yielded, to be written once.
    """
    if is_remote(path):
        yield path
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class RemoteFile(NamedTuple):
    """A file as the storage lists it: its size in bytes, and `version`, text that changes whenever the file is written."""

    size: int
    version: str


class RemoteDirectory:
    """A directory, perhaps a future one, in a storage that fsspec knows: `gs://bucket/name`. Names of files are their paths below it."""

    def __init__(self, path: epath.PathLike) -> None:
        import fsspec

        self._url = str(path)
        self._system, self._path = fsspec.url_to_fs(self._url)

    def files(self) -> dict[str, RemoteFile]:
        """All files by name, in order; empty if there is no such directory."""
        self._system.invalidate_cache()  # Others write too, and by other clients.
        try:
            found = self._system.find(self._path, detail=True)
        except FileNotFoundError:
            return {}
        listed = {name.removeprefix(f"{self._path}/"): details for name, details in found.items() if name.startswith(f"{self._path}/")}
        # Some tools mark a directory by an empty object of its name.
        return {name: RemoteFile(details["size"], _version(details)) for name, details in sorted(listed.items()) if not name.endswith("/")}

    def download(self, names: Iterable[str], target: pathlib.Path) -> None:
        """Fetches files to the same names below a local directory.

        Raises:
            OSError: a file is gone.
        """
        if names := list(names):
            for name in names:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
            self._system.get([f"{self._path}/{name}" for name in names], [str(target / name) for name in names])

    def upload(self, names: Iterable[str], source: pathlib.Path) -> None:
        """Sends files from the same names below a local directory, in no order; each is visible only when it is complete."""
        if names := list(names):
            self._system.put([str(source / name) for name in names], [f"{self._path}/{name}" for name in names])

    def copy(self, names: Iterable[str], target: "RemoteDirectory") -> None:
        """Copies files to the same names in another directory of the same storage, inside the storage."""
        if names := list(names):
            self._system.copy([f"{self._path}/{name}" for name in names], [f"{target._path}/{name}" for name in names])

    def remove(self, names: Iterable[str]) -> None:
        """Removes files; files that are gone already are no error."""
        for name in names:
            epath.Path(f"{self._url}/{name}").unlink(missing_ok=True)


def _version(details: dict) -> str:
    return str(next((details[name] for name in ("generation", "ETag", "etag", "mtime") if details.get(name)), ""))


def local_files(directory: pathlib.Path) -> list[str]:
    """The paths of all files below a local directory, in order."""
    return sorted(str(file.relative_to(directory)) for file in directory.rglob("*") if not file.is_dir())
