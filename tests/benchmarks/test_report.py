import importlib
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = {
    "checks": "docs/deconvnet.md",
    "claims": "docs/deconvnet.md",
    "default_run": "README.md",
    "explore_page": "docs/speed.md",
    "features": "docs/paper.md",
    "fine_tuning": "docs/training.md",
    "first_run": "docs/speed.md",
    "house": "docs/layout.md",
    "matches": "docs/deconvnet.md",
    "near_copies": "docs/data.md",
    "planted_faults": "docs/trust.md",
    "predictions": "docs/speed.md",
    "preprocessing": "docs/speed.md",
    "projections": "docs/speed.md",
    "repeated_calls": "docs/speed.md",
    "run_profile": "docs/speed.md",
    "search": "docs/speed.md",
    "supported": "docs/deconvnet.md",
    "training": "docs/speed.md",
    "training_cost": "docs/speed.md",
    "whole_gallery": "docs/speed.md",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_shows_what_was_measured(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module(name), importlib.import_module("report")
    text = (ROOT / DOCUMENTS[name]).read_text()
    result = json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())
    table = benchmark.table(result)
    assert report.with_table(text, name, table) == text
    assert len(table.splitlines()) > 3


@pytest.mark.parametrize("name", ["preprocessing", "training_cost"])
def test_cost_is_reckoned_from_what_was_measured(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module(name), importlib.import_module("report")
    text = (ROOT / "docs/imagenet.md").read_text()
    result = json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())
    assert report.with_table(text, name, benchmark.cost_table(result)) == text


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("paper", ["figure 2", "figure 4", "figure 5", "figure 6", "table 1", "table 2", "table 3"]),
        ("recipe", ["choices", "folders"]),
    ],
)
def test_the_papers_page_shows_what_was_measured(name, parts, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark, report = importlib.import_module(name), importlib.import_module("report")
    text = benchmark.DOCUMENT.read_text()
    tables = benchmark.tables(json.loads((ROOT / "benchmarks" / f"{name}.json").read_text()))
    assert list(tables) == parts
    for part, table in tables.items():
        assert report.with_table(text, name, table, part) == text
        assert len(table.splitlines()) > 3


def test_every_benchmark_is_shown():
    others = {"evaluation", "recipe", "report", "paper", "pictures", "signals", "steps", "tensorboard_pages", "textbook"}
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - others == set(DOCUMENTS)


def test_machine_is_described(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    report = importlib.import_module("report")
    assert report.machine()["cores"] >= 1
    assert report.machine()["processor"]


def test_tables_replace_only_what_is_between_their_marks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    report = importlib.import_module("report")
    text = "a\n<!-- made by benchmarks/x.py -->\nold\n<!-- end -->\nb\n<!-- made by benchmarks/y.py -->\nkept\n<!-- end -->\n"
    changed = report.with_table(text, "x", "new\n")
    assert changed == text.replace("old", "new")


def test_the_list_of_what_is_supported_is_that_of_the_tables_of_rules(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = importlib.import_module("supported")
    assert json.loads((ROOT / "benchmarks" / "supported.json").read_text())["supported"] == benchmark.collect()
