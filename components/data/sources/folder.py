"""DATA that is a folder of photographs."""

import functools
import hashlib
import os
from collections.abc import Iterator

from etils import epath

from zfnet.components.data.sources.shard_plan import PhotographFile, split_files
from zfnet.components.data.sources.source import FileSource, Listing, as_text, check_look_alikes, class_name
from zfnet.components.data.sources.split_names import held_out_role, split_role
from zfnet.components.storage.files import is_clutter, is_remote, list_folder

LAYOUT = "expected train/CLASS/* and validation/CLASS/*, or CLASS/* alone, with photographs of at least two classes"


class FolderSource(FileSource):
    """A folder with one folder for each class, on a local disk or on a storage that Beam knows.

    Either `train/CLASS/*` and `validation/CLASS/*`, or `CLASS/*` alone; then `hold_out` divides each class by the digests of `CLASS/name`.
    The folders of splits may have other names, see `split_names`. If only `test` is beside `train`, it validates; if there is only `train`,
    it is divided. Every file counts as a photograph, whatever its extension, unless it is clutter (`is_clutter`).

    Raises:
        ValueError: it does not hold photographs of at least two classes in one of these layouts.
    """

    def __init__(self, data: str) -> None:
        root = epath.Path(data).expanduser()
        root = root if is_remote(data) else root.resolve()
        super().__init__(data, root.name, os.fspath(root), is_remote(data))
        parents, self.notes = _find_splits(root, data)
        found = {split: _folders(parent) for split, parent in parents.items()}
        self._names = sorted({name for names in found.values() for name in names})
        check_look_alikes(f"The folder {data}", {name: [split for split in found if name in found[split]] for name in self._names})
        # Split, or "" where a digest decides, label and path of every class's folder.
        self._folders = [
            (split, label, f"{os.fspath(parent)}/{name}")
            for split, parent in parents.items()
            for label, name in enumerate(self._names)
            if name in found[split]
        ]
        if len(self._names) < 2:
            held = f"one class, {self.labels[0]}" if self._names else "no folders"
            deeper = self._folders[0][2] if self._names else ""
            hint = f" Did you mean {deeper}?" if deeper and len(_folders(epath.Path(deeper))) > 1 else ""
            raise ValueError(f"The folder {data} holds {held}: {LAYOUT}.{hint}")
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
    return {path.name for path in parent.iterdir() if not is_clutter(path.name) and path.is_dir()}


def _find_splits(root: epath.Path, data: str) -> tuple[dict[str, epath.Path], list[str]]:
    """The folder that holds the classes of each split, or of "" where a digest decides; and sentences about the choice."""
    names = sorted(_folders(root))
    found: dict[str, list[str]] = {}
    for name in names:
        if role := split_role(name):
            found.setdefault(role, []).append(name)
    held_out = held_out_role(found)
    # A class may be called train, too: then its folder holds no folders, and other classes lie beside it.
    nested = any(_folders(root / name) for called in found.values() for name in called)
    classes = sum(split_role(name) is None for name in names)
    if not found or (classes > 1 and not nested and not (held_out and "train" in found)):
        return {"": root}, []
    if "train" not in found:
        alone = [name for called in found.values() for name in called]
        raise ValueError(f"The folder {data} has {_listed(alone)}, and no train/: {LAYOUT}. If these are classes, rename them.")
    used = []
    for role in filter(None, ("train", held_out)):
        if len(found[role]) > 1:
            raise ValueError(f"The folder {data} has {_listed(found[role])}: expected one of them, for the split {role}.")
        used += found[role]
    notes = []
    if held_out != "validation":
        notes.append(f"{data} has no validation/: {f'{used[1]}/' if held_out else f'a fifth of each class in {used[0]}/'} validates.")
    if left := [name for name in names if name not in used]:
        notes.append(f"{data} has {_listed(left)} beside {_listed(used)}: not used.")
    return dict(zip(("train", "validation") if held_out else ("",), (root / name for name in used), strict=True)), notes


def _listed(folders: list[str]) -> str:
    return ", ".join(f"{class_name(name)}/" for name in folders)


def _list(folder: tuple[str, int, bytes], before_ids: int) -> Iterator[tuple[str, list[PhotographFile]]]:
    """Yields `(split, files)` for the photographs in a class's folder; their ids are their paths without the first `before_ids` bytes."""
    split, label, path = folder
    paths = [path + b"/" + os.fsencode(entry.name) for entry in list_folder(os.fsdecode(path))]
    return split_files(split, {(id := as_text(full[before_ids:])): (id, label, full) for full in paths})
