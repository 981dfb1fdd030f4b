import os

import pytest
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.csv_table import CsvSource, table_rows
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


def listed(data: str) -> dict[str, list[tuple[str, str]]]:
    """`{split: [(id, class)]}` of what a table lists, without Beam."""
    source = CsvSource(data)
    [place], list_place = source.listing()
    found = {"train": [], "validation": []}
    for split, files in list_place(place):
        found[split] += [(id, source.labels[label]) for id, label, _ in files]
    return {split: sorted(files) for split, files in found.items()}


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


@pytest.mark.parametrize("header", ["filename,class", "image_id,label", "FilePath,Label", "id,breed", "\n\nfile_name,Class Name"])
def test_a_header_with_other_names_is_no_photograph(table, header):
    plain = listed(table(ROWS))
    assert sorted(plain["train"] + plain["validation"]) == [(f"pictures/{n}.png", "odd" if n % 2 else "even") for n in range(6)]
    assert listed(table(f"{header}\n{ROWS}")) == plain
    # Where two such tables were joined, the header is in the middle, too; and spreadsheets leave lines of commas.
    first, *others = ROWS.splitlines()
    header = header.strip()
    assert listed(table("\n".join([header, first, header, *others, ",,"]))) == plain


def test_columns_by_other_names_in_another_order(table):
    rows = [f'7,"{"odd" if n % 2 else "even"}",{"training" if n < 4 else "Valid"},pictures/{n}.png' for n in range(6)]
    found = listed(table("\n".join([",category,subset,filename", *rows])))
    assert found["train"] == [(f"pictures/{n}.png", "odd" if n % 2 else "even") for n in range(4)]
    assert found["validation"] == [(f"pictures/{n}.png", "odd" if n % 2 else "even") for n in range(4, 6)]


@pytest.mark.parametrize("header", ["그림,이름", "scan,diagnosis", "x,y"])
def test_a_first_line_that_may_be_a_header_in_other_words_is_asked_about(table, header):
    path, label = header.split(",")
    message = f"line 1: there is no photograph '{path}', and no other row has the class '{label}'. If this line names the columns, call"
    with pytest.raises(ValueError, match=message):
        CsvSource(table(f"{header}\n{ROWS}"))


def test_a_first_line_of_a_known_class_or_a_photograph_is_a_row(table):
    assert CsvSource(table(f"pictures/gone.png,odd\n{ROWS}")).labels == ["even", "odd"]
    assert CsvSource(table(ROWS.replace("even", "zero", 1))).labels == ["even", "odd", "zero"]
    assert CsvSource(table(f"path,label\npictures/gone.png,third\n{ROWS}")).labels == ["even", "odd", "third"]


@pytest.mark.parametrize(
    ("splits", "train", "validation", "notes"),
    [
        (["train"] * 4 + ["val"] * 2, "0123", "45", []),
        (["Training"] * 4 + ["VALID"] * 2, "0123", "45", []),
        (["train"] * 4 + ["test"] * 2, "0123", "45", ["there is no split validation: test validates."]),
        (["train"] * 2 + ["val"] * 2 + ["test"] * 2, "01", "23", ["the 2 rows of the split test are not used"]),
    ],
)
def test_splits_by_other_names(table, splits, train, validation, notes):
    rows = [f"pictures/{n}.png,{n % 2},{split}" for n, split in enumerate(splits)]
    data = table("\n".join(rows))
    found = listed(data)
    assert ["".join(id[-5] for id, _ in found[split]) for split in ("train", "validation")] == [train, validation]
    assert [note in said for note, said in zip(notes, CsvSource(data).notes, strict=True)] == [True] * len(notes)


def test_a_class_of_rows_that_are_not_used_is_no_class(table):
    rows = ["a,x,train", "b,y,train", "c,x,validation", "d,z,test"]
    assert CsvSource(table("\n".join(rows))).labels == ["x", "y"]


def test_the_split_train_alone_is_divided_as_without_splits(table):
    found = listed(table(ROWS))
    data = table(ROWS.replace("\n", ",train\n"))
    assert listed(data) == found
    assert CsvSource(data).notes == [f"{data}: there is no split validation: a fifth of each class in train validates."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 classes"),
        ("a,x\nb,x\n", r"has 1 classes \(x\): expected at least two"),
        ("a,x\nb\n", "line 2: 'b' has no label; expected rows of path,label"),
        ("a,x\n ,y\n", "line 2: ' ,y' has no path"),
        ("a,x\nb,y\na,y\n", "line 3: duplicate path 'a'; keep one line"),
        ("a,x,train\nb,y,holdout\n", "line 2: the split 'holdout' is neither train nor validation nor test; if the column is no split"),
        ("a,x,train\nb,y,\n", "splits in .* are none, train: expected train and validation, or no split at all"),
        ("a,x,test\nb,y,\n", "splits in .* are none, test: expected"),
        ("a,x,test\nb,y,val\n", "splits in .* are test, validation: expected"),
        ("a;x\nb;y\n", "line 1: 'a;x' has no label; expected rows of path,label.* with commas between them"),
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


def test_classes_that_look_alike_are_refused(table):
    with pytest.raises(ValueError, match=r"has the classes 'Cat' and 'cat', which look alike: give them one name, or two that differ"):
        CsvSource(table("a,Cat,train\nb,dog,train\nc,cat,validation"))


@pytest.mark.parametrize(
    ("lines", "paths"),
    [
        ("a.jpg,photo\nb.jpg,drawing\n", ["a.jpg", "b.jpg"]),  # a class that is also the name of a column
        ("A.JPEG,images\nb.jpg,images\n", ["A.JPEG", "b.jpg"]),
        ("scan,photo\nb.jpg,drawing\n", ["scan", "b.jpg"]),  # a file without an ending
        ("number,image\n1,b.jpg\n", ["b.jpg"]),
        ("path,scan\nb.jpg,1\n", ["b.jpg"]),
        ("photo\nb.jpg\n", ["b.jpg"]),
        ("a.jpg\nb.jpg\n", ["a.jpg", "b.jpg"]),
    ],
)
def test_header_of_a_table_without_labels(tmp_path, lines, paths):
    (tmp_path / "scan").write_bytes(b"photograph")
    (tmp_path / "table.csv").write_text(lines)
    assert [row.path for row in table_rows(str(tmp_path / "table.csv"), labelled=False)] == paths
