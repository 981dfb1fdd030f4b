"""A directory in a remote storage: its files listed at once, and fetched and sent several at a time."""

import pathlib
from collections.abc import Iterable
from typing import NamedTuple

from etils import epath


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
