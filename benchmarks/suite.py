"""Measures where the time of the quick tests goes, by folder and by file.

Command: .venv/bin/python benchmarks/suite.py
Writes benchmarks/suite.json, and from it a table in CONTRIBUTING.md. Runs `make test` once, on a machine that does nothing else.
"""

import collections
import pathlib
import subprocess
import time
import xml.etree.ElementTree

from report import commit, conditions, machine, markdown, versions, write

NAME = "suite"
ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "CONTRIBUTING.md"
RESULTS = ROOT / "build" / "tests.xml"
# How many of the files that take longest are shown.
SHOWN = 12


def measure() -> dict:
    """Runs the tests; seconds of each file are those of the worker that ran it, with what it sets up."""
    RESULTS.parent.mkdir(exist_ok=True)
    start = time.monotonic()
    subprocess.run(["make", "test", f"ARGS=--junitxml={RESULTS} -o junit_duration_report=total"], cwd=ROOT, check=True)
    return {
        "command": "python benchmarks/suite.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions("pytest", "pytest-xdist"),
        "seconds": time.monotonic() - start,
        "files": read(RESULTS),
    }


def read(results: pathlib.Path) -> dict[str, dict]:
    """Number of tests and seconds of each file, the longest first, from a file in the format of JUnit."""
    files: dict[str, dict] = collections.defaultdict(lambda: {"tests": 0, "seconds": 0.0})
    for case in xml.etree.ElementTree.parse(results).iter("testcase"):
        # A module that is skipped as a whole has its name in place of a test's.
        parts = (case.get("classname") or case.get("name", "")).split(".")
        # A class of tests comes after the module's name.
        module = next(number for number, part in enumerate(parts) if part.startswith("test_"))
        entry = files["/".join(parts[: module + 1]) + ".py"]
        entry["tests"] += 1
        entry["seconds"] += float(case.get("time", 0))
    return dict(sorted(files.items(), key=lambda item: -item[1]["seconds"]))


def folders(files: dict[str, dict]) -> dict[str, dict]:
    """The same for each folder of two levels, such as `components/data`."""
    found: dict[str, dict] = collections.defaultdict(lambda: {"tests": 0, "seconds": 0.0})
    for file, entry in files.items():
        parts = pathlib.PurePosixPath(file).parts[1:-1]
        for name in entry:
            found["/".join(parts[:2]) or "tests"][name] += entry[name]
    return dict(sorted(found.items(), key=lambda item: -item[1]["seconds"]))


def table(result: dict) -> str:
    """The result as Markdown: folders, then the files that take longest."""
    files = result["files"]
    total = {name: sum(entry[name] for entry in files.values()) for name in ("tests", "seconds")}

    def rows(entries: dict[str, dict]) -> list[list]:
        return [
            [f"`{name}`", f"{entry['tests']:,}", f"{entry['seconds']:,.0f} s", f"{entry['seconds'] / total['seconds']:.0%}"]
            for name, entry in entries.items()
        ]

    longest = dict(list(files.items())[:SHOWN])
    head = [f"{total['tests']:,} tests in {result['seconds'] / 60:.1f} minutes", "tests", "seconds of both workers", "share"]
    return markdown(head, [*rows(folders(files)), ["the files that take longest", "", "", ""], *rows(longest)]) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
