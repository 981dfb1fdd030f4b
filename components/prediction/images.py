"""Images to predict: files in a folder or a table, one file, a data set of TFDS, or prepared examples; in order, in chunks."""

import abc
import functools
import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.csv_table import absolute_path, table_rows
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.data.sources.prepared import PreparedSource
from zfnet.components.data.sources.shard_plan import SPLITS
from zfnet.components.data.sources.source import FileSource, as_text, read_file
from zfnet.components.data.sources.split_names import split_role
from zfnet.components.data.sources.tfds import TfdsSource, length, part_of
from zfnet.components.storage.files import RemoteDirectory, is_clutter, is_remote, list_folder

CHUNK = 1024  # images


class ImageToPredict(NamedTuple):
    """One image: its path or id, its class if it is known, else "", and a function that reads its bytes, as in `SourcePhotograph`."""

    path: str
    truth: str
    read: Callable[[], bytes]


class Images(abc.ABC):
    """Images in a fixed order. A chunk refers to some of them that follow each other, and can be sent to another machine.

    `location` is where they are read, `labels` are the names of their classes, if the data has a list of them, else empty. `names` is as in
    `open_images`.
    """

    location: str
    labels: Sequence[str] = ()
    names: Mapping[str, str]

    @abc.abstractmethod
    def chunks(self) -> Iterator[Any]:
        """Yields the chunks in order."""

    @abc.abstractmethod
    def size(self, chunk: Any) -> int:
        """The number of images in a chunk."""


class Photographs(Images):
    """Images as encoded files; `remote` as in `Source`."""

    remote = False

    @abc.abstractmethod
    def read(self, chunk: Any) -> Iterator[ImageToPredict]:
        """Yields the images of a chunk in order. A file is opened when its `read` is called."""


class Files(Photographs):
    """Image files; `listed` yields path, class and file, in order."""

    def __init__(self, location: str, listed: Callable[[], Iterable[tuple[str, str, bytes]]], remote: bool) -> None:
        self.location, self._listed, self.remote = location, listed, remote

    def chunks(self) -> Iterator[list[tuple[str, str, bytes]]]:  # noqa: D102
        return _chunks(self._listed())

    def size(self, chunk: list) -> int:  # noqa: D102
        return len(chunk)

    def read(self, chunk: list) -> Iterator[ImageToPredict]:  # noqa: D102
        for path, truth, file in chunk:
            yield ImageToPredict(path, truth, functools.partial(read_file, file))


class SourceImages(Photographs):
    """One split of a source with a list of classes."""

    def __init__(self, source: FileSource | TfdsSource, split: str) -> None:
        self.location, self.labels, self._read = source.location, source.labels, source.read
        if isinstance(source, TfdsSource):  # which workers can't be sent
            self._ranges, self._files = source.split_ranges()[split], None
        else:
            self._ranges, self._files = [], functools.partial(_of_split, *source.listing(), split)

    def chunks(self) -> Iterator[list]:  # noqa: D102
        if self._files:
            return _chunks(self._files())
        return (part_of(self._ranges, start, start + CHUNK) for start in range(0, length(self._ranges), CHUNK))

    def size(self, chunk: list) -> int:  # noqa: D102
        return len(chunk) if self._files else length(chunk)

    def read(self, chunk: list) -> Iterator[ImageToPredict]:  # noqa: D102
        for photograph in self._read(chunk):
            known = 0 <= photograph.label < len(self.labels)
            yield ImageToPredict(photograph.id, self.labels[photograph.label] if known else "", photograph.read)


class StoredImages(Images):
    """One split of prepared examples, squares that were prepared for a model; a chunk is the file of a shard and its number of examples."""

    def __init__(self, examples: Examples, split: str) -> None:
        self.examples, self._split = examples, split
        self.location, self.labels = str(examples.path), examples.labels

    def chunks(self) -> Iterator[tuple[str, int]]:  # noqa: D102
        return zip(self.examples.shards(self._split), self.examples.shard_counts(self._split), strict=True)

    def size(self, chunk: tuple[str, int]) -> int:  # noqa: D102
        return chunk[1]


def open_images(data: str, split: str | None, names: Mapping[str, str], downloads: epath.PathLike) -> Images:
    """Opens the images that a DATA argument names; nothing is decoded.

    Args:
        data: a folder of images, at any depth; one image; a CSV of paths, and of classes if they are known; a directory of prepared
            examples; `photo_patches` or a TFDS name.
        split: the part of the data to take: `train` or `validation` (None) of prepared examples and of TFDS; of a table, the rows of this
            split, and all if it is None.
        names: the model's names of classes, by the names that the data may have for them. The class of an image in a folder is the last
            folder of its path that is among these; in a table or a data set it may have another class.
        downloads: where TFDS prepares data sets, unless `TFDS_DATA_DIR` names another place.

    Raises:
        ValueError: there are no such data, or no such split.
    """
    images = _open(data, split, frozenset(names), downloads)
    images.names = names
    return images


def _open(data: str, split: str | None, classes: frozenset[str], downloads: epath.PathLike) -> Images:
    path = epath.Path(data).expanduser()
    if data and data != "photo_patches" and not (path / "manifest.json").exists():
        if path.exists() and any((path / name).exists() for name in ("run.json", "metadata.sqlite")):
            open_source(data, downloads)  # raises: it is a run
        files = _files(data, path, split, classes)
        if files:
            return files
    source = open_source(data, downloads)
    prepared = isinstance(source, PreparedSource)
    known = list(Examples(path).read_json("manifest.json")["splits"] if prepared else SPLITS)
    split = split or "validation"
    if split not in known:
        raise ValueError(f"DATA {data} has no split {split!r}; it has {', '.join(known)}.")
    if prepared:
        return StoredImages(Examples(path), split)
    return SourceImages(cast(FileSource | TfdsSource, source), split)


def _files(data: str, path: epath.Path, split: str | None, classes: frozenset[str]) -> Files | None:
    if data.lower().endswith(".csv") and not path.is_dir():
        if not path.exists():
            raise ValueError(f"DATA {data!r} does not exist: expected a .csv of paths.")
        if split and not split_role(split):
            raise ValueError(f"--split {split}: expected train, validation or test, or no --split for all rows.")
        table = os.fspath(path if is_remote(data) else path.resolve())
        rows = functools.partial(_rows, table, split_role(split) if split else None)
        return Files(table, rows, any(is_remote(os.fsdecode(file)) for _, _, file in rows()))
    if not path.exists():
        return None
    if split:
        raise ValueError(f"--split is for prepared examples, TFDS names and tables, not for {data}: give the folder of the split instead.")
    if path.is_dir():
        root = os.fspath(path if is_remote(data) else path.resolve())
        return Files(root, functools.partial(_walk, root, classes), is_remote(root))
    file = os.fspath(path if is_remote(data) else path.absolute())
    return Files(file, functools.partial(list, [(as_text(os.fsencode(data)), "", os.fsencode(file))]), is_remote(file))


def _chunks(items: Iterable[Any]) -> Iterator[list]:
    waiting = iter(items)
    while chunk := list(itertools.islice(waiting, CHUNK)):
        yield chunk


def _of_split(places: list, list_place: Callable, split: str) -> Iterator[Any]:
    return (file for place in places for found, files in list_place(place) if found == split for file in files)


def _rows(table: str, role: str | None) -> Iterator[tuple[str, str, bytes]]:
    for row in table_rows(table, labelled=False):
        if role in (None, row.split):
            yield as_text(os.fsencode(row.path)), row.label, os.fsencode(absolute_path(table, row.path))


def _walk(root: str, classes: frozenset[str]) -> Iterator[tuple[str, str, bytes]]:
    """Yields all files below a folder in the order of their paths, without clutter; the entries of one folder are in memory at a time."""
    for name in _remote_names(root) if is_remote(root) else _local_names(pathlib.Path(root), ()):
        folders = reversed(name.split("/")[:-1])
        yield as_text(os.fsencode(name)), next((each for each in folders if each in classes), ""), os.fsencode(f"{root}/{name}")


def _remote_names(root: str) -> list[str]:
    names = [name.split("/") for name in RemoteDirectory(root).files()]
    return ["/".join(parts) for parts in sorted(names) if not any(map(is_clutter, parts))]


def _local_names(folder: pathlib.Path, above: tuple[pathlib.Path, ...]) -> Iterator[str]:
    real = folder.resolve()
    if real in above:  # a link to a folder that it lies in
        return
    for entry in list_folder(str(folder)):
        if (folder / entry.name).is_dir():
            yield from (f"{entry.name}/{name}" for name in _local_names(folder / entry.name, (*above, real)))
        else:
            yield entry.name


def count_images(images: Images) -> int:
    """The number of images, without reading them.

    Raises:
        ValueError: there are none.
    """
    if not (count := sum(map(images.size, images.chunks()))):
        raise ValueError(f"There are no images in {images.location}; expected a folder or a table with at least one.")
    return count
