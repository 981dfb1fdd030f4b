"""Files of predictions: CSV, JSON lines or Parquet, with the same columns, written a row at a time."""

import csv
import io
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from zfnet.components.storage.files import atomic_file

ROW_GROUP = 10_000  # rows that a Parquet file gets at a time


def check_suffix(path: str | os.PathLike) -> None:
    """Raises a ValueError if no kind of file has the ending of `path`."""
    if (suffix := pathlib.PurePath(path).suffix.lower()) not in WRITERS:
        raise ValueError(f"{path} ends with {suffix or 'no suffix'}; expected {', '.join(WRITERS)}.")


def columns(top: int) -> list[str]:
    """Names of the columns, for `top` named classes.

    Examples:
        >>> columns(1)
        ['path', 'class', 'label_1', 'probability_1', 'error']
    """
    named = [f"{kind}_{rank}" for rank in range(1, top + 1) for kind in ("label", "probability")]
    return ["path", "class", *named, "error"]


def write_rows(path: str | os.PathLike, rows: Iterable[tuple[str, str, list[str], list[float], str]], top: int) -> None:
    """Writes predictions to a file, complete or not at all; an older file stays until then.

    Args:
        path: its ending decides: `.csv`, `.jsonl` or `.parquet`; local or remote.
        rows: path or id, class, names of the best classes, their probabilities, and error. An empty cell is null, except in CSV.
        top: the number of classes in a row without an error.

    Raises:
        ValueError: the ending is another one.
    """
    check_suffix(path)
    with atomic_file(os.fspath(path)) as file:
        WRITERS[pathlib.PurePath(path).suffix.lower()](file, columns(top), (_cells(row, top) for row in rows))


def _cells(row: tuple, top: int) -> list[Any]:
    path, truth, labels, probabilities, error = row
    named = [cell for pair in zip(labels, probabilities, strict=True) for cell in pair] or [None] * (2 * top)
    return [path, truth or None, *named, error or None]


def _write_csv(file: BinaryIO, names: list[str], rows: Iterator[list]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    # repr() would write a small probability as 1e-06.
    writer.writerows([f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    text.detach()


def _write_json_lines(file: BinaryIO, names: list[str], rows: Iterator[list]) -> None:
    for row in rows:
        file.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False).encode() + b"\n")


def _write_parquet(file: BinaryIO, names: list[str], rows: Iterator[list]) -> None:
    import pyarrow
    from pyarrow import parquet

    kinds = [pyarrow.float64() if name.startswith("probability_") else pyarrow.string() for name in names]
    schema = pyarrow.schema(list(zip(names, kinds, strict=True)))
    with parquet.ParquetWriter(file, schema) as writer:
        while group := list(itertools.islice(rows, ROW_GROUP)):
            arrays = [pyarrow.array(column, kind) for column, kind in zip(zip(*group, strict=True), kinds, strict=True)]
            writer.write_table(pyarrow.table(arrays, schema=schema))


WRITERS: dict[str, Callable[[BinaryIO, list[str], Iterator[list]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
}
