"""DATA that is a CSV of path and label."""

import collections
import csv
import functools
import hashlib
import io
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from etils import epath

from zfnet.components.data.sources.shard_plan import SPLITS, PhotographFile, split_files
from zfnet.components.data.sources.source import FileSource, Listing, as_text, class_name
from zfnet.components.storage.files import is_remote, open_file

EXPECTED = "expected rows of path,label or of path,label,split, in UTF-8, with a first line that names these columns if there are others"


class Row(NamedTuple):
    """One line: the photograph's path as written, its class, and "train", "validation", or "" where a digest decides."""

    path: str
    label: str
    split: str


class CsvSource(FileSource):
    """A table with the path of each photograph and the name of its class, and its split if wanted.

    The columns are path, label and, if there is a third, split (`train` or `validation`); a first line that holds the words `path` and
    `label` may put them in another order and among others. Paths are relative to the table's folder, or absolute, or remote. Without
    splits, `hold_out` divides each class by the digests of the paths. Classes are sorted by name, or by number if all of them are whole
    numbers.

    Raises:
        ValueError: it cannot be read as such a table, names a photograph twice, or has fewer than two classes.
    """

    def __init__(self, data: str) -> None:
        path = epath.Path(data).expanduser()
        if not path.exists():
            raise ValueError(f"DATA {data!r} does not exist: expected a .csv of path and label.")
        super().__init__(data, path.stem, os.fspath(path if is_remote(data) else path.resolve()))
        paths, classes, found = set(), set(), set()
        for number, row in _rows(self.location):
            if row.path in paths:
                raise ValueError(f"{data}, line {number}: duplicate path {row.path!r}; keep one line.")
            paths.add(row.path)
            classes.add(row.label)
            found.add(row.split)
        self.remote = any(is_remote(_absolute(self.location, path)) for path in paths)
        self._classes = sorted(classes, key=_sort_key(classes))
        if len(self._classes) < 2:
            raise ValueError(f"{data} has {len(self._classes)} classes ({', '.join(self._classes)}): expected at least two; {EXPECTED}.")
        if found not in ({""}, set(SPLITS)):
            names = ", ".join(sorted(split or "none" for split in found))
            raise ValueError(f"The splits in {data} are {names}: expected train and validation, or no split at all.")

    @property
    def labels(self) -> list[str]:
        """The names of the classes, sorted."""
        return [class_name(name) for name in self._classes]

    def fingerprint(self) -> str:
        """A digest of the table, and of the sizes and times of change of photographs on local disks."""
        digest = hashlib.sha256()
        for _, row in _rows(self.location):
            digest.update("\0".join((*row, _state(_absolute(self.location, row.path)))).encode() + b"\0")
        return f"csv:{digest.hexdigest()}"

    def listing(self) -> Listing:
        """The table, which one worker reads."""
        return [self.location], functools.partial(_list, labels={name: label for label, name in enumerate(self._classes)})


def _rows(file: str) -> Iterator[tuple[int, Row]]:
    """Yields `(number of the line, row)` for each photograph of the table."""
    with io.TextIOWrapper(open_file(file), encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        columns: dict[str, int | None] = {"path": 0, "label": 1, "split": 2}
        try:
            for cells in lines:
                named = [cell.strip().lower() for cell in cells]
                if lines.line_num == 1 and {"path", "label"} <= set(named):
                    columns = {name: named.index(name) if name in named else None for name in columns}
                elif named and named != [""]:
                    yield lines.line_num, _row(file, lines.line_num, cells, columns)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{file}, line {lines.line_num + 1}: {error}; {EXPECTED}.") from error


def _row(file: str, number: int, cells: list[str], columns: dict[str, int | None]) -> Row:
    found = [cells[place].strip() if place is not None and place < len(cells) else "" for place in columns.values()]
    place = columns["path"]
    row = Row(cells[place] if found[0] and place is not None else "", *found[1:])
    if not row.path or not row.label:
        raise ValueError(f"{file}, line {number}: {','.join(cells)!r} has no {'label' if row.path else 'path'}; {EXPECTED}.")
    if row.split not in ("", *SPLITS):
        raise ValueError(f"{file}, line {number}: the split {row.split!r} is neither train nor validation; {EXPECTED}.")
    return row


def _sort_key(names: set[str]) -> Callable[[str], Any]:
    """Sorts classes by number if all names are numbers, so that `10` comes after `9`."""
    return int if all(name.isascii() and name.isdigit() for name in names) else str


def _list(file: str, labels: dict[str, int]) -> Iterator[tuple[str, list[PhotographFile]]]:
    """Yields `(split, files)` for the photographs of each class."""
    classes: dict[tuple[str, int], dict[str, PhotographFile]] = collections.defaultdict(dict)
    for _, (path, name, split) in _rows(file):
        classes[split, labels[name]][path] = as_text(os.fsencode(path)), labels[name], os.fsencode(_absolute(file, path))
    for (split, _), files in classes.items():
        yield from split_files(split, files)


def _absolute(file: str, path: str) -> str:
    return path if is_remote(path) else os.fspath(epath.Path(file).parent / epath.Path(path).expanduser())


def _state(path: str) -> str:
    """Size and time of change of a local file; empty for a remote one, since asking for each takes too long."""
    if is_remote(path):
        return ""
    try:
        status = pathlib.Path(path).stat()
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns}"
