"""DATA that is a folder of photographs."""

import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zfnet.components.data.photograph import UnreadablePhotograph
from zfnet.components.data.source import Source, SourcePhotograph, shard_numbers

if TYPE_CHECKING:
    import apache_beam as beam

SPLITS = ("train", "validation")
VALIDATION_SHARE = 0.2
LAYOUT = "expected train/CLASS/* and validation/CLASS/*, or CLASS/* alone, with photographs of at least two classes"


class FolderSource(Source):
    """A folder with one folder for each class.

    Either `train/CLASS/*` and `validation/CLASS/*`, or `CLASS/*` alone; then a digest of `CLASS/name` sends a fifth to validation, at least
    one of each class that has two. Every file is taken for a photograph unless its name begins with a dot; what it is, its bytes tell.

    Args:
        data: the folder.

    Raises:
        ValueError: it does not hold photographs of at least two classes in one of these layouts.
    """

    def __init__(self, data: str):
        self._root = Path(data).expanduser().resolve()
        super().__init__(data, self._root.name)
        splits = [split for split in SPLITS if (self._root / split).is_dir()]
        if len(splits) == 1:
            raise ValueError(f"The folder {data} has {splits[0]}/ alone of train/ and validation/: {LAYOUT}.")
        self._parents = {split: self._root / split for split in splits} or {"": self._root}
        self._labels = sorted({name for parent in self._parents.values() for name in _folders(parent)})
        if len(self._labels) < 2:
            raise ValueError(f"The folder {data} holds {f'one class, {self._labels[0]}' if self._labels else 'no folders'}: {LAYOUT}.")
        if not any(_photographs(folder) for _, _, folder in self._folders()):
            raise ValueError(f"The folder {data} holds the classes {', '.join(self._labels)}, and no file in any of them: {LAYOUT}.")

    @property
    def labels(self) -> list[str]:
        """The names of the classes' folders, sorted."""
        return self._labels

    def _folders(self) -> Iterator[tuple[str, int, Path]]:
        """Yields `(split, or "" where a digest decides, label, folder)` for every class's folder there is."""
        for split, parent in self._parents.items():
            for label, name in enumerate(self._labels):
                if (parent / name).is_dir():
                    yield split, label, parent / name

    def fingerprint(self) -> str:
        """A digest of the names, sizes and times of change of all photographs."""
        digest = hashlib.sha256()
        for _, _, folder in self._folders():
            digest.update(os.fsencode(folder.relative_to(self._root)) + b"\0")
            for name, size, changed in _photographs(folder):
                digest.update(os.fsencode(name) + f"\0{size}\0{changed}\0".encode())
        return f"folder:{digest.hexdigest()}"

    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[tuple[str, int, int], list]]":
        """Lists the classes' folders in parallel and groups paths by shard; a digest of its id gives a photograph its place."""
        import apache_beam as beam

        # Paths travel as bytes, since a file's name need not be text.
        folders = [(split, label, os.fsencode(folder)) for split, label, folder in self._folders()]
        root = os.fsencode(self._root)
        listed = pipeline | "Folders" >> beam.Create(folders) | beam.Reshuffle() | "List" >> beam.FlatMap(_assign_splits, root)
        counts = beam.pvalue.AsDict(listed | beam.Keys() | beam.combiners.Count.PerElement())
        placed = listed | "Place" >> beam.Map(_place, counts, num_shards)
        every = pipeline | beam.Create([None]) | "EveryShard" >> beam.FlatMap(_every_shard, counts, num_shards)
        return (placed, every) | beam.Flatten() | beam.GroupByKey() | "Order" >> beam.MapTuple(_order)

    @staticmethod
    def read(references: list[tuple[str, int, bytes]]) -> Iterator[SourcePhotograph]:
        """Yields the photographs of a shard, unread."""
        for id, label, path in references:
            yield SourcePhotograph(id, label, _text(path), functools.partial(_read_file, path))


def _folders(parent: Path) -> list[str]:
    return [path.name for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _photographs(folder: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of change of what lies in a class's folder, sorted; 0 and 0 for a link that leads nowhere."""
    found = []
    with os.scandir(folder) as entries:  # a tenth of the time that Path takes, which counts for a million files
        for entry in entries:
            if not entry.name.startswith("."):
                try:
                    status = entry.stat()
                    found.append((entry.name, status.st_size, status.st_mtime_ns))
                except OSError:
                    found.append((entry.name, 0, 0))
    return sorted(found)


def _text(path: bytes) -> str:
    """A path as text, with bytes that are no UTF-8 spelt out."""
    return path.decode(errors="backslashreplace")


def _digest(id: str) -> bytes:
    return hashlib.sha256(id.encode()).digest()


def _assign_splits(folder: tuple[str, int, bytes], root: bytes) -> Iterator[tuple[str, tuple[str, int, bytes]]]:
    """Yields `(split, (id, label, path))` for every photograph in a class's folder."""
    split, label, path = folder
    paths = {}
    for name, _, _ in _photographs(Path(os.fsdecode(path))):
        full = path + b"/" + os.fsencode(name)
        paths[_text(full[len(root) + 1 :])] = full
    held_out = set()
    if not split:
        share = sum(int.from_bytes(_digest(id)[:8]) < VALIDATION_SHARE * 2**64 for id in paths)
        held_out = set(sorted(paths, key=_digest)[: max(0, min(max(share, 1), len(paths) - 1))])
    for id, full in paths.items():
        yield split or ("validation" if id in held_out else "train"), (id, label, full)


def _numbers(counts: dict[str, int], num_shards: int | None) -> dict[str, int]:
    return shard_numbers({split: counts.get(split, 0) for split in SPLITS}, num_shards)


def _place(photograph: tuple, counts: dict[str, int], num_shards: int | None) -> tuple[tuple[str, int, int], tuple]:
    """Keys a photograph by its shard, by other bytes of the digest than those that chose the split."""
    split, reference = photograph
    number = _numbers(counts, num_shards)[split]
    return (split, int.from_bytes(_digest(reference[0])[8:16]) * number >> 64, number), reference


def _every_shard(_: None, counts: dict[str, int], num_shards: int | None) -> Iterator[tuple[tuple[str, int, int], None]]:
    """Yields every shard's key, so that one to which no digest points is written too, empty."""
    for split, number in _numbers(counts, num_shards).items():
        for index in range(number):
            yield (split, index, number), None


def _order(key: tuple[str, int, int], references: list) -> tuple[tuple[str, int, int], list]:
    return key, sorted((reference for reference in references if reference), key=lambda reference: _digest(reference[0])[8:])


def _read_file(path: bytes) -> bytes:
    file = Path(os.fsdecode(path))
    if not file.is_file():  # before opening it: a named pipe would be waited for without end
        raise UnreadablePhotograph("a link that leads nowhere" if file.is_symlink() and not file.exists() else "not a file")
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnreadablePhotograph(f"cannot be read: {error.strerror}") from error
