"""DATA that is a folder of photographs."""

import functools
import hashlib
import os
from collections.abc import Iterator

from etils import epath

from zfnet.components.data.sources.shard_plan import SPLITS, PhotographFile, split_files
from zfnet.components.data.sources.source import FileSource, Listing, as_text, class_name
from zfnet.components.storage.files import is_remote, list_folder

LAYOUT = "expected train/CLASS/* and validation/CLASS/*, or CLASS/* alone, with photographs of at least two classes"


class FolderSource(FileSource):
    """A folder with one folder for each class, on a local disk or on a storage that Beam knows.

    Either `train/CLASS/*` and `validation/CLASS/*`, or `CLASS/*` alone; then `hold_out` divides each class by the digests of `CLASS/name`.
    Every file counts as a photograph, whatever its extension, unless its name begins with a dot.

    Raises:
        ValueError: it does not hold photographs of at least two classes in one of these layouts.
    """

    def __init__(self, data: str) -> None:
        root = epath.Path(data).expanduser()
        root = root if is_remote(data) else root.resolve()
        super().__init__(data, root.name, os.fspath(root), is_remote(data))
        splits = [split for split in SPLITS if (root / split).is_dir()]
        if len(splits) == 1:
            raise ValueError(f"The folder {data} has {splits[0]}/ alone of train/ and validation/: {LAYOUT}.")
        parents = {split: root / split for split in splits} or {"": root}
        found = {split: _folders(parent) for split, parent in parents.items()}
        self._names = sorted({name for names in found.values() for name in names})
        # Split, or "" where a digest decides, label and path of every class's folder.
        self._folders = [
            (split, label, f"{os.fspath(parent)}/{name}")
            for split, parent in parents.items()
            for label, name in enumerate(self._names)
            if name in found[split]
        ]
        if len(self._names) < 2:
            raise ValueError(f"The folder {data} holds {f'one class, {self.labels[0]}' if self._names else 'no folders'}: {LAYOUT}.")
        # Listing a remote folder takes long: ExampleGen finds out whether it is empty.
        if not self.remote and not any(list_folder(folder) for _, _, folder in self._folders):
            raise ValueError(f"The folder {data} holds the classes {', '.join(self.labels)}, and no file in any of them: {LAYOUT}.")

    @property
    def labels(self) -> list[str]:
        """The names of the classes' folders, sorted."""
        return [class_name(name) for name in self._names]

    def fingerprint(self) -> str:
        """A digest of the names, sizes and times of change of all photographs."""
        digest = hashlib.sha256()
        for _, _, folder in self._folders:
            digest.update(os.fsencode(folder[len(self.location) :]) + b"\0")
            for entry in list_folder(folder):
                digest.update(os.fsencode(entry.name) + f"\0{entry.size}\0{entry.changed}\0".encode())
        return f"folder:{digest.hexdigest()}"

    def listing(self) -> Listing:
        """The classes' folders."""
        folders = [(split, label, os.fsencode(folder)) for split, label, folder in self._folders]
        return folders, functools.partial(_list, before_ids=len(os.fsencode(self.location)) + 1)


def _folders(parent: epath.Path) -> set[str]:
    return {path.name for path in parent.iterdir() if not path.name.startswith(".") and path.is_dir()}


def _list(folder: tuple[str, int, bytes], before_ids: int) -> Iterator[tuple[str, list[PhotographFile]]]:
    """Yields `(split, files)` for the photographs in a class's folder; their ids are their paths without the first `before_ids` bytes."""
    split, label, path = folder
    paths = [path + b"/" + os.fsencode(entry.name) for entry in list_folder(os.fsdecode(path))]
    return split_files(split, {(id := as_text(full[before_ids:])): (id, label, full) for full in paths})
