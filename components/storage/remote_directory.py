"""A directory in a remote storage: its files listed at once, and fetched and sent several at a time."""

import pathlib
from collections.abc import Iterable
from dataclasses import dataclass

from etils import epath


@dataclass(frozen=True)
class RemoteFile:
    """A file as the storage lists it.

    Args:
        size: bytes.
        version: text that is another one when the file was written anew.
    """

    size: int
    version: str


class RemoteDirectory:
    """A directory in a storage that fsspec knows.

    Args:
        path: its path, `gs://bucket/name`; there need not be anything yet.
    """

    def __init__(self, path: epath.PathLike) -> None:
        import fsspec

        self._url = str(path)
        self._system, self._path = fsspec.url_to_fs(self._url)

    def files(self) -> dict[str, RemoteFile]:
        """All files, by their paths below the directory, in order; empty if there is no such directory."""
        self._system.invalidate_cache()  # Others write too, and by other clients.
        try:
            found = self._system.find(self._path, detail=True)
        except FileNotFoundError:
            return {}
        listed = {name.removeprefix(f"{self._path}/"): details for name, details in found.items() if name.startswith(f"{self._path}/")}
        # Some tools mark a directory by an empty object of its name.
        return {name: RemoteFile(details["size"], _version(details)) for name, details in sorted(listed.items()) if not name.endswith("/")}

    def download(self, names: Iterable[str], target: pathlib.Path) -> None:
        """Fetches files.

        Args:
            names: their paths below the directory.
            target: the local directory to write them to, at the same paths below it.

        Raises:
            OSError: a file is gone.
        """
        if names := list(names):
            for name in names:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
            self._system.get([f"{self._path}/{name}" for name in names], [str(target / name) for name in names])

    def upload(self, names: Iterable[str], source: pathlib.Path) -> None:
        """Sends files, each of which is whole whenever it is there, and in no order.

        Args:
            names: their paths below the directory.
            source: the local directory that holds them at the same paths below it.
        """
        if names := list(names):
            self._system.put([str(source / name) for name in names], [f"{self._path}/{name}" for name in names])

    def copy(self, names: Iterable[str], target: "RemoteDirectory") -> None:
        """Copies files to another directory of the same storage, which does it by itself.

        Args:
            names: their paths below this directory, and below `target` then.
            target: where to.
        """
        if names := list(names):
            self._system.copy([f"{self._path}/{name}" for name in names], [f"{target._path}/{name}" for name in names])

    def remove(self, names: Iterable[str]) -> None:
        """Removes files; what is gone already is none of them."""
        for name in names:
            epath.Path(f"{self._url}/{name}").unlink(missing_ok=True)


def _version(details: dict) -> str:
    return str(next((details[name] for name in ("generation", "ETag", "etag", "mtime") if details.get(name)), ""))


def local_files(directory: pathlib.Path) -> list[str]:
    """The paths of all files below a local directory, in order."""
    return sorted(str(file.relative_to(directory)) for file in directory.rglob("*") if not file.is_dir())
