import importlib.util
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def default_run():
    spec = importlib.util.spec_from_file_location("default_run", ROOT / "benchmarks" / "default_run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_shows_what_was_measured(default_run):
    readme = (ROOT / "README.md").read_text()
    result = json.loads((ROOT / "benchmarks" / "default_run.json").read_text())
    assert default_run.with_table(readme, result) == readme
    assert f"top-1 error | {result['metrics']['top1_error']:.1%}" in readme


def test_machine_is_described(default_run):
    assert default_run.machine()["cores"] >= 1
    assert default_run.machine()["processor"]
