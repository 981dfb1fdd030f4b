import csv

import pytest

from zfnet.components.figures.comparison.table import ComparedNet, csv_table, markdown_table, table_cells

NETS = [
    ComparedNet(
        "zfnet-small", 2_903_135, 0.0125, 0.0, 0.2134, 0.0213, 83.14, 10, "trainer/3/model/model.keras", "tensorboard/zfnet-small-1"
    ),
    ComparedNet("alexnet-small", 2_862_671, message="It diverged."),
]


def test_cells():
    assert table_cells(NETS, 15) == [
        ["error", "train top-1", "val top-1", "val top-5", "parameters", "seconds"],
        ["zfnet-small", "1.2%", "21.3%", "2.1%", "2,903,135", "83"],
        ["alexnet-small", "-", "-", "-", "2,862,671", "-"],
    ]
    assert table_cells(NETS, 3)[0][3] == "val top-3"


def test_gap_is_by_how_much_validation_is_worse():
    assert NETS[0].gap == pytest.approx(0.2009)
    assert NETS[1].gap is None


def test_markdown_tells_why_one_failed():
    assert markdown_table(NETS, 15).splitlines() == [
        "| error | train top-1 | val top-1 | val top-5 | parameters | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| `zfnet-small` | 1.2% | 21.3% | 2.1% | 2,903,135 | 83 |",
        "| `alexnet-small` | - | - | - | 2,862,671 | - |",
        "",
        "`alexnet-small` failed: It diverged.",
    ]


def test_csv_has_all_digits_and_names_with_commas():
    varied = ComparedNet("zfnet-small:without=fc6,without=fc7", message='Said "no", twice.')
    first, failed = csv.DictReader(csv_table([NETS[0], varied]).splitlines())
    assert (first["validation_top1_error"], first["parameters"], first["message"]) == ("0.2134", "2903135", "")
    assert (failed["architecture"], failed["parameters"], failed["message"]) == (varied.architecture, "", varied.message)
