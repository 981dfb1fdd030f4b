import os

import pytest
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.csv_table import CsvSource
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.example_gen import generate_examples

SETTINGS = {"image_size": 14, "num_shards": 2, "max_rejected": 0.5, "runner": "FnApiRunner", "beam_options": ()}


@pytest.fixture
def table(tmp_path):
    """Writes a table beside six photographs, non-square, in `pictures/`; their shade is ten times their number."""
    (tmp_path / "pictures").mkdir()
    for number in range(6):
        Image.new("RGB", (30, 20), (10 * number,) * 3).save(tmp_path / "pictures" / f"{number}.png")

    def write(text: str, encoding: str = "utf-8"):
        (tmp_path / "table.csv").write_bytes(text.encode(encoding))
        return str(tmp_path / "table.csv")

    return write


def prepare(data: str, out) -> dict[str, list[tuple[str, str]]]:
    """`{split: [(id, class)]}` of what is prepared from a table."""
    examples = Examples(out)
    generate_examples(examples, source=open_source(data, out), **SETTINGS)
    found = {split: [one for shard in examples.shards(split) for one in read_shard(shard)] for split in ("train", "validation")}
    for one in found["train"] + found["validation"]:
        assert one["class_name"] == examples.labels[one["label"]]
    return {split: sorted((one["id"], one["class_name"]) for one in ones) for split, ones in found.items()}


ROWS = "".join(f"pictures/{number}.png,{'odd' if number % 2 else 'even'}\n" for number in range(6))


def test_path_and_label(table, tmp_path):
    found = prepare(table(ROWS), tmp_path / "out")
    assert sorted(found["train"] + found["validation"]) == [(f"pictures/{n}.png", "odd" if n % 2 else "even") for n in range(6)]
    assert {name for _, name in found["train"]} == {name for _, name in found["validation"]} == {"even", "odd"}
    # A header, another order of columns and rows, further columns, other line ends and quotes say the same.
    rows = [f'7,"{"odd" if number % 2 else "even"}",pictures/{number}.png' for number in (3, 1, 5, 0, 2, 4)]
    assert prepare(table("\r\n".join(["Number,Label,PATH", *rows]), "utf-8-sig"), tmp_path / "again") == found


def test_splits_are_kept(table, tmp_path):
    rows = [f"{tmp_path}/pictures/{n}.png,{n % 2},{'train' if n < 4 else 'validation'}" for n in range(6)]
    found = prepare(table("\n".join(rows)), tmp_path / "out")
    assert [id[-5] for id, _ in found["train"]] == ["0", "1", "2", "3"]
    assert [id[-5] for id, _ in found["validation"]] == ["4", "5"]


def test_what_cannot_be_read_is_rejected(table, tmp_path):
    found = prepare(table(ROWS + "pictures/7.png,odd\npictures,even\n"), tmp_path / "out")
    assert sum(map(len, found.values())) == 6
    rejected = (tmp_path / "out/rejected.jsonl").read_text().splitlines()
    assert ["no such file" in line for line in rejected] == [False, True]
    assert str(tmp_path / "pictures/7.png") in rejected[1]


def test_numbers_are_sorted_as_numbers(table):
    assert CsvSource(table("a,10\nb,9\nc,2\n")).labels == ["2", "9", "10"]
    assert CsvSource(table("a,10\nb,9\nc,x\n")).labels == ["10", "9", "x"]


def test_the_fingerprint_changes_with_rows_and_with_photographs(table, tmp_path):
    first = CsvSource(table(ROWS)).fingerprint()
    assert CsvSource(table(ROWS)).fingerprint() == first
    assert CsvSource(table(ROWS.replace("even", "other"))).fingerprint() != first
    os.utime(tmp_path / "pictures/3.png", (1, 1))
    assert CsvSource(table(ROWS)).fingerprint() != first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 classes"),
        ("a,x\nb,x\n", r"has 1 classes \(x\): expected at least two"),
        ("a,x\nb\n", "line 2: 'b' has no label; expected rows of path,label"),
        ("a,x\n ,y\n", "line 2: ' ,y' has no path"),
        ("a,x\nb,y\na,y\n", "line 3: duplicate path 'a'; keep one line"),
        ("a,x,train\nb,y,test\n", "line 2: the split 'test' is neither train nor validation"),
        ("a,x,train\nb,y,\n", "splits in .* are none, train: expected train and validation, or no split at all"),
        ("a,x,train\nb,y,train\n", "splits in .* are train: expected"),
        ('a,"x\nb,y\n', "line 3: unexpected end of data; expected rows"),
    ],
)
def test_what_is_no_table(table, text, message):
    with pytest.raises(ValueError, match=message):
        CsvSource(table(text))


def test_what_is_no_text(table):
    with pytest.raises(ValueError, match=r"line 1: .*utf-8.*in UTF-8"):
        CsvSource(table("caf\u00e9,x\nb,y\n", "latin-1"))


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv' does not exist"):
        open_source(str(tmp_path / "none.csv"), tmp_path)
