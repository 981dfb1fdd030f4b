import importlib
import pathlib

import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("mib", "expected"),
    [
        ([64.0, 128.0, 640.0], "55.6 GiB"),  # 512 MiB for 90,000 examples, 110 times as many in 10 million.
        ([640.0, 320.0, 128.0], "0.1 GiB"),  # Memory that fell from noise falls no further.
        ([128.0, 140.0, 129.0], "0.1 GiB"),
    ],
    ids=["grows", "falls", "flat"],
)
def test_ten_million_examples_take_what_the_last_two_sizes_tell(mib, expected, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    growth = importlib.import_module("growth")
    found = [{"seconds": 1.0, "mib": each} for each in mib]
    row = {"part": "page", "dimension": "examples", "sizes": growth.EXAMPLES, "found": found}
    result = {"command": "", "commit": "", "machine": {"cores": 2, "processor": "", "gpus": 0, "system": ""}, "versions": {}, "rows": [row]}
    assert f"| page | 0.0 h | {expected} |" in growth.table(result)
