"""Tables as other programs read them."""

import csv
import json

import pytest
from pyarrow import parquet

from zfnet.components.prediction import rows_file
from zfnet.components.prediction.rows_file import write_rows

ODD = 'Ürümqi, "old"\ntown/鳥.png'
ROWS = [(ODD, "bird", ["bird", 'a "b", c'], [0.999999, 0.000001], ""), ("b.png", "", [], [], "the file is empty")]
EXPECTED = [
    {
        "path": ODD,
        "class": "bird",
        "label_1": "bird",
        "probability_1": 0.999999,
        "label_2": 'a "b", c',
        "probability_2": 1e-6,
        "error": None,
    },
    dict.fromkeys(["class", "label_1", "probability_1", "label_2", "probability_2"]) | {"path": "b.png", "error": "the file is empty"},
]


def test_rows_are_read_as_they_were_written(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_file, "ROW_GROUP", 1)
    for name in ("rows.csv", "rows.jsonl", "ROWS.PARQUET"):
        write_rows(tmp_path / name, iter(ROWS), 2)
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert first == {name: "" if cell is None else f"{cell:.6f}" if isinstance(cell, float) else cell for name, cell in EXPECTED[0].items()}
    assert second["error"] == "the file is empty"
    # Not splitlines(), which also divides at characters inside of texts.
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").split("\n")[:-1]] == EXPECTED
    assert parquet.read_table(tmp_path / "ROWS.PARQUET").to_pylist() == EXPECTED
    assert parquet.ParquetFile(tmp_path / "ROWS.PARQUET").num_row_groups == 2


@pytest.mark.parametrize("ending", rows_file.WRITERS)
def test_older_file_stays_if_rows_end_with_an_error(tmp_path, ending):
    def rows():
        yield ROWS[0]
        raise ValueError("the shard is damaged")

    path = tmp_path / f"rows{ending}"
    path.write_text("older")
    with pytest.raises(ValueError, match="the shard is damaged"):
        write_rows(path, rows(), 2)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "said"), [("rows.txt", r"ends with \.txt"), ("rows", "ends with no suffix"), (".csv", "ends with no suffix")]
)
def test_other_endings(tmp_path, name, said):
    with pytest.raises(ValueError, match=rf"{said}; expected \.csv, \.jsonl, \.parquet"):
        write_rows(tmp_path / name, iter(ROWS), 2)
    assert not list(tmp_path.iterdir())
