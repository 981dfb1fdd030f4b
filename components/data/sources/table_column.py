"""A column of the table that examples were prepared from: a text for each example, by which they are divided into slices."""

import hashlib
import os
from collections.abc import Iterator, Sequence

from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.csv_table import table_rows
from zfnet.components.data.sources.source import as_text


def find_table(data: str, column: str) -> str:
    """Finds the table that a DATA argument names: DATA itself, or the CSV that a prepared directory was made from.

    Raises:
        ValueError: the examples come from no CSV; the message names the `column` that is wanted.
    """
    prepared = Examples(epath.Path(data).expanduser())
    if data and (prepared.path / "manifest.json").exists():
        data = str(prepared.read_json("manifest.json").get("source"))
    if not data.lower().endswith(".csv"):
        raise ValueError(f"--slice-by {column} names a column of a CSV; the examples come from {data}: expected --data TABLE.csv.")
    return data


def read_column(table: str, column: str) -> Iterator[tuple[str, str]]:
    """Yields the id of the example that each row is, and its text in one column; an empty text where a row is too short.

    `table` is the path of a table with a header, and `column` is the column's name there.

    Raises:
        ValueError: there is no such file, it is no table with a header, or the header does not name this column once.
    """
    if not epath.Path(table).expanduser().exists():
        raise ValueError(f"There is no table {table!r}, whose columns divide the examples: give its place with --data.")
    for row in table_rows(os.fspath(epath.Path(table).expanduser())):
        names = [cell.strip() for cell in row.header or ()]
        if names.count(column) != 1:
            found = f"the columns {', '.join(names)}" if names else "no first line that names its columns"
            raise ValueError(f"{table} has {found}: expected one column {column!r}.")
        place = names.index(column)
        yield as_text(os.fsencode(row.path)), row.cells[place].strip() if place < len(row.cells) else ""


def column_digest(table: str, column: str) -> str:
    """Computes a digest of a column, hex SHA-256, which changes when a row is added or removed, or its text changes.

    Raises:
        ValueError: there is no such table or column, see `read_column`.
    """
    digest = hashlib.sha256()
    for row in read_column(table, column):
        digest.update("\0".join((*row, "")).encode())
    return digest.hexdigest()


def column_values(table: str, column: str, ids: Sequence[str]) -> list[str]:
    """Reads the texts of some examples in a column, in the order of their `ids`; the other rows are not kept.

    Raises:
        ValueError: there is no such table or column, or no row for an example.
    """
    found: dict[str, str | None] = dict.fromkeys(ids)
    found |= {id: value for id, value in read_column(table, column) if id in found}
    values = [value for id in ids if (value := found[id]) is not None]
    if len(values) < len(ids):
        missing = next(id for id in ids if found[id] is None)
        raise ValueError(
            f"{table} has no row for the example {missing!r}: the table was changed after the examples were prepared. Give the table with "
            "--data, to prepare the examples anew."
        )
    return values
