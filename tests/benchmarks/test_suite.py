import importlib
import pathlib

import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
RESULTS = """<testsuites><testsuite>
<testcase classname="tests.model.net.test_build" name="test_one" time="0.5"/>
<testcase classname="tests.model.net.test_build.TestMore" name="test_two[a.b]" time="1.25"/>
<testcase classname="tests.model.test_model" name="test_three" time="3"/>
<testcase classname="tests.test_docs" name="test_four" time="2"><skipped/></testcase>
<testcase classname="" name="tests.benchmarks.peers.test_peer" time="0"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def suite(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("suite")


def test_seconds_are_summed_up_by_file_and_folder(suite, tmp_path):
    (tmp_path / "tests.xml").write_text(RESULTS)
    files = suite.read(tmp_path / "tests.xml")
    assert list(files.items()) == [
        ("tests/model/test_model.py", {"tests": 1, "seconds": 3.0}),
        ("tests/test_docs.py", {"tests": 1, "seconds": 2.0}),
        ("tests/model/net/test_build.py", {"tests": 2, "seconds": 1.75}),
        ("tests/benchmarks/peers/test_peer.py", {"tests": 1, "seconds": 0.0}),
    ]
    assert suite.folders(files) == {
        "model": {"tests": 1, "seconds": 3.0},
        "tests": {"tests": 1, "seconds": 2.0},
        "model/net": {"tests": 2, "seconds": 1.75},
        "benchmarks/peers": {"tests": 1, "seconds": 0.0},
    }
