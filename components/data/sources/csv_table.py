"""DATA that is a CSV of path and label."""

import collections
import csv
import functools
import hashlib
import io
import mimetypes
import os
import pathlib
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from etils import epath

from zfnet.components.data.sources.csv_header import named_columns
from zfnet.components.data.sources.shard_plan import PhotographFile, split_files
from zfnet.components.data.sources.source import FileSource, Listing, as_text, check_look_alikes, class_name
from zfnet.components.data.sources.split_names import held_out_role, split_role
from zfnet.components.storage.files import is_remote, open_file

EXPECTED = (
    "expected rows of path,label or of path,label,split, in UTF-8, with commas between them, and a first line that names these columns if "
    "there are others"
)
LOOKED_FOR = 20  # the first photographs, which tell whether a first line names one


class Row(NamedTuple):
    """One row: the photograph's path as written, its class, and the role of its split (`split_role`), "" if it has none.

    `line` is its number in the file, from 1; `header` is the line that named the columns, None if there was none; `cells` are all columns.
    """

    path: str
    label: str
    split: str
    line: int
    header: list[str] | None
    cells: list[str]


class CsvSource(FileSource):
    """A table with the path of each photograph and the name of its class, and its split if wanted.

    The columns are path, label and, if there is a third, split: `train`, `validation` or `test`, or other names of them (`split_names`). A
    first line that names path and label (`csv_header`) may put the columns in another order and among others. Paths are relative to the
    table's folder, or absolute, or remote. If only `test` is beside `train`, it validates; without splits, or with `train` alone,
    `hold_out` divides each class by the digests of the paths. Classes are sorted by name, or by number if all of them are whole numbers.

    Raises:
        ValueError: it cannot be read as such a table, names a photograph twice, has fewer than two classes, or begins with a line that
            seems to name columns, but in unknown words.
    """

    def __init__(self, data: str) -> None:
        path = epath.Path(data).expanduser()
        if not path.exists():
            raise ValueError(f"DATA {data!r} does not exist: expected a .csv of path and label.")
        super().__init__(data, path.stem, os.fspath(path if is_remote(data) else path.resolve()))
        paths: set[str] = set()
        first: list[Row] = []
        classes: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        for row in table_rows(self.location):
            if row.path in paths:
                raise ValueError(f"{data}, line {row.line}: duplicate path {row.path!r}; keep one line.")
            paths.add(row.path)
            classes[row.split][row.label] += 1
            first += [row] if len(first) < LOOKED_FOR else []
        self.remote = any(is_remote(absolute_path(self.location, path)) for path in paths)
        self._splits = _choose_splits(data, classes)
        rows = sum((classes[role] for role in self._splits), collections.Counter())
        self._classes = sorted(rows, key=_sort_key(rows))
        check_look_alikes(data, {name: [role for role in self._splits if classes[role][name]] for name in self._classes})
        if len(self._classes) < 2:
            raise ValueError(f"{data} has {len(self._classes)} classes ({', '.join(self._classes)}): expected at least two; {EXPECTED}.")
        if not first[0].header and rows[first[0].label] == 1:
            _check_first(self.location, first)
        self.notes = [f"{data}: {note}" for note in _notes(classes, self._splits)]

    @property
    def labels(self) -> list[str]:
        """The names of the classes, sorted."""
        return [class_name(name) for name in self._classes]

    def fingerprint(self) -> str:
        """A digest of the table, and of the sizes and times of change of photographs on local disks."""
        digest = hashlib.sha256()
        for row in table_rows(self.location):
            digest.update("\0".join((row.path, row.label, row.split, _state(absolute_path(self.location, row.path)))).encode() + b"\0")
        return f"csv:{digest.hexdigest()}"

    def listing(self) -> Listing:
        """The table, which one worker reads."""
        labels = {name: label for label, name in enumerate(self._classes)}
        return [self.location], functools.partial(_list, labels=labels, splits=self._splits)


def table_rows(file: str, *, labelled: bool = True) -> Iterator[Row]:
    """Yields the rows of the table, without its header and repetitions of it, as in tables that were joined.

    If not `labelled`, classes may be missing: then they are empty.
    """
    with io.TextIOWrapper(open_file(file), encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        columns: dict[str, int | None] = {"path": 0, "label": 1, "split": 2}
        header: list[str] | None = None
        begun = False
        try:
            for cells in lines:
                if not "".join(cells).strip():
                    continue
                found = None if begun else named_columns(cells, labelled=labelled)
                # Without labels, a row may have a cell that is also the name of a column, such as photo.
                if found and (labelled or found["path"] == 0 or not any(_names_photograph(file, cell) for cell in cells)):
                    columns, header = found, cells
                elif cells != header:
                    yield _row(file, lines.line_num, cells, columns, header, labelled)
                begun = True
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{file}, line {lines.line_num + 1}: {error}; {EXPECTED}.") from error


def _names_photograph(file: str, cell: str) -> bool:
    kind, _ = mimetypes.guess_type(cell, strict=False)
    return (kind or "").startswith("image/") or epath.Path(absolute_path(file, cell)).is_file()


def _row(file: str, number: int, cells: list[str], columns: dict[str, int | None], header: list[str] | None, labelled: bool) -> Row:
    found = [cells[place].strip() if place is not None and place < len(cells) else "" for place in columns.values()]
    place = columns["path"]
    path, label, split = cells[place] if found[0] and place is not None else "", found[1], found[2]
    if not path or (labelled and not label):
        raise ValueError(f"{file}, line {number}: {','.join(cells)!r} has no {'label' if path else 'path'}; {EXPECTED}.")
    role = split_role(split) if split else ""
    if role is None:
        unknown = f"the split {split!r} is neither train nor validation nor test; if the column is no split, call it otherwise"
        raise ValueError(f"{file}, line {number}: {unknown}; {EXPECTED}.")
    return Row(path, label, role, number, header, cells)


def _check_first(file: str, rows: list[Row]) -> None:
    """Raises a ValueError if the first of `rows` names no photograph, as a header does, while others do."""
    missing, *others = (not epath.Path(absolute_path(file, row.path)).exists() for row in rows)
    if missing and not all(others):
        path, label, *_ = rows[0]
        raise ValueError(
            f"{file}, line {rows[0].line}: there is no photograph {path!r}, and no other row has the class {label!r}. If this line names "
            "the columns, call these two path and label, and a third one split; else correct or remove it."
        )


def _choose_splits(data: str, roles: Collection[str]) -> dict[str, str]:
    """The split of ours, "" where a digest decides, of the rows of each role; other rows are not used.

    Raises:
        ValueError: some rows have a split and others have none, or none of them is for training.
    """
    if "" not in roles and "train" in roles:
        held_out = held_out_role(roles)
        return {"train": "train", held_out: "validation"} if held_out else {"train": ""}
    if set(roles) - {""}:
        names = ", ".join(sorted(role or "none" for role in roles))
        raise ValueError(f"The splits in {data} are {names}: expected train and validation, or no split at all.")
    return {"": ""}


def _notes(rows: dict[str, collections.Counter[str]], splits: dict[str, str]) -> Iterator[str]:
    """Yields sentences about splits that are not used as they are named."""
    if "train" in splits and "validation" not in splits:
        yield f"there is no split validation: {'test' if 'test' in splits else 'a fifth of each class in train'} validates."
    for role, counts in rows.items():
        if role not in splits:
            yield f"the {counts.total():,} rows of the split {role} are not used, since there is a split validation."


def _sort_key(names: Collection[str]) -> Callable[[str], Any]:
    """Sorts classes by number if all names are numbers, so that `10` comes after `9`."""
    return int if all(name.isascii() and name.isdigit() for name in names) else str


def _list(file: str, labels: dict[str, int], splits: dict[str, str]) -> Iterator[tuple[str, list[PhotographFile]]]:
    """Yields `(split, files)` for the photographs of each class."""
    classes: dict[tuple[str, int], dict[str, PhotographFile]] = collections.defaultdict(dict)
    for row in table_rows(file):
        if row.split in splits:
            file_of_row = as_text(os.fsencode(row.path)), labels[row.label], os.fsencode(absolute_path(file, row.path))
            classes[splits[row.split], labels[row.label]][row.path] = file_of_row
    for (split, _), files in classes.items():
        yield from split_files(split, files)


def absolute_path(file: str, path: str) -> str:
    """The place of a photograph that the table `file` names by `path`."""
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
