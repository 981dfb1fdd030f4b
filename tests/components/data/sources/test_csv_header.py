import pytest

from zfnet.components.data.sources.csv_header import named_columns


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("path,label", (0, 1, None)),
        ("filename,class", (0, 1, None)),
        ("image_id,label", (0, 1, None)),
        ("filepath,label", (0, 1, None)),
        ("id,breed", (0, 1, None)),
        ("Image Path,Category", (0, 1, None)),
        ("label,file_name", (1, 0, None)),  # the class first
        (",filename,label", (1, 2, None)),  # pandas' number of the row has no name
        ("class id,filepaths,labels,data set,scientific name", (1, 2, 3)),
        ("Width,Height,Roi.X1,ClassId,Path", (4, 3, None)),
        ("id,Filename,Classes,Split", (1, 2, 3)),
        ("path,LABEL,subset", (0, 1, 2)),
    ],
)
def test_headers(line, places):
    assert named_columns(line.split(",")) == dict(zip(("path", "label", "split"), places, strict=True))


@pytest.mark.parametrize(
    "line", ["images/1.jpg,cat", "image,melanoma", "1.jpg,class", "label,class", "path", "", "gs://bucket/image,label"]
)
def test_rows(line):
    assert named_columns(line.split(",")) is None
