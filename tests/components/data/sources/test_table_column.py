import pytest

from zfnet.components.data.sources.table_column import column_digest, column_values, find_table, read_column


def test_a_further_column_by_id(tmp_path):
    (tmp_path / "photos.csv").write_text("camera, label ,file\n A ,cat,a.jpg\n,dog,sub/b.jpg\nC,dog,c.jpg\n")
    assert dict(read_column(str(tmp_path / "photos.csv"), "camera")) == {"a.jpg": "A", "sub/b.jpg": "", "c.jpg": "C"}
    assert dict(read_column(str(tmp_path / "photos.csv"), "label")) == {"a.jpg": "cat", "sub/b.jpg": "dog", "c.jpg": "dog"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label,lens\na.jpg,cat,1\n", "has the columns path, label, lens: expected one column 'camera'"),
        ("path,label,camera,camera\na.jpg,cat,1,2\n", "has the columns path, label, camera, camera: expected one column 'camera'"),
        ("a.jpg,cat\n", "has no first line that names its columns"),
    ],
)
def test_no_such_column(tmp_path, text, message):
    (tmp_path / "photos.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        list(read_column(str(tmp_path / "photos.csv"), "camera"))


def test_no_table_to_read_a_column_of(tmp_path):
    with pytest.raises(ValueError, match="There is no table"):
        list(read_column(str(tmp_path / "gone.csv"), "camera"))


def test_the_texts_of_some_examples_in_their_order(tmp_path):
    table = tmp_path / "photos.csv"
    table.write_text("path,label,camera\na.jpg,cat,A\nb.jpg,dog,\nc.jpg,dog,C\n")
    assert column_values(str(table), "camera", ["c.jpg", "b.jpg"]) == ["C", ""]
    with pytest.raises(ValueError, match=r"has no row for the example 'd\.jpg'"):
        column_values(str(table), "camera", ["c.jpg", "d.jpg"])


def test_the_digest_changes_with_the_column_alone(tmp_path):
    def digest(*rows):
        (tmp_path / "photos.csv").write_text("\n".join(["path,label,camera,lens", *rows]))
        return column_digest(str(tmp_path / "photos.csv"), "camera")

    first = digest("a.jpg,cat,A,1", "b.jpg,dog,B,1")
    assert digest("a.jpg,cat,A,2", "b.jpg,dog,B,3") == first
    assert len({first, digest("a.jpg,cat,A,1", "b.jpg,dog,C,1"), digest("a.jpg,cat,A,1"), digest("a.jpg,cat,AB,1", "b.jpg,dog,,1")}) == 4


@pytest.mark.parametrize("source", ["table.CSV", "photographs"])
def test_the_table_that_a_directory_was_prepared_from(tmp_path, source):
    (tmp_path / "manifest.json").write_text(f'{{"source": "{source}"}}')
    if source.endswith("CSV"):
        assert find_table(str(tmp_path), "camera") == find_table(source, "camera") == source
        return
    for data in (str(tmp_path), source):
        with pytest.raises(ValueError, match="--slice-by camera names a column of a CSV; the examples come from photographs: expected"):
            find_table(data, "camera")
