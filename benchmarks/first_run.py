"""Measures a newcomer's first minutes: from a new clone, by `make run`, to pictures; and the same of an earlier commit, in turns.

Command: .venv/bin/python benchmarks/first_run.py [COMMIT]
Each clone is in a directory of its own, and the caches of pip and uv are empty: every package is downloaded. About six minutes a commit.
Writes benchmarks/first_run.json, and from it the table in docs/speed.md. Without COMMIT, the commit of the last time is measured again.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from report import HERE, commit, conditions, machine, markdown, versions, write

NAME = "first_run"
DOCUMENT = HERE.parent / "docs" / "speed.md"


def first_run(revision: str, folder: pathlib.Path) -> dict:
    """Clones a commit, installs it and runs the pipeline.

    Args:
        revision: the commit.
        folder: an empty directory.

    Returns:
        Seconds of both parts, and number and size of what was installed, in packages and GB.
    """
    clone = folder / "clone"
    environment = {**os.environ, "UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip")}
    subprocess.run(["git", "clone", "--quiet", str(HERE.parent), str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "checkout", "--quiet", revision], check=True)
    seconds = {}
    for target in ("install", "run"):
        start = time.monotonic()
        subprocess.run(["make", "--silent", "-C", str(clone), target], check=True, env=environment, stdout=subprocess.DEVNULL)
        seconds[target] = round(time.monotonic() - start, 1)
    packages = clone / ".venv"
    size = subprocess.run(["du", "-sk", str(packages)], check=True, capture_output=True, text=True).stdout.split()[0]
    count = len(list(packages.glob("lib/python*/site-packages/*.dist-info")))
    return {"commit": revision, "seconds": seconds, "packages": count, "gigabytes": round(int(size) / 1e6, 2)}


def measure(earlier: str) -> dict:
    """Measures an earlier commit and this one."""
    found = {}
    for name, revision in (("before", earlier), ("now", commit().removesuffix("-dirty"))):
        with tempfile.TemporaryDirectory() as folder:
            found[name] = first_run(revision, pathlib.Path(folder))
    return found


def table(result: dict) -> str:
    """The result as a Markdown table."""
    runs = result["runs"]
    wholes = {name: sum(run["seconds"].values()) for name, run in runs.items()}
    rows = [
        [
            f"`{run['commit'][:7]}`",
            run["packages"],
            f"{run['gigabytes']:.1f} GB",
            *(f"{run['seconds'][part]:.0f} s" for part in ("install", "run")),
            f"{wholes[name]:.0f} s",
            f"{wholes[name] / wholes['before']:.2f}",
        ]
        for name, run in runs.items()
    ]
    return markdown(["commit", "packages", "installed", "`make install`", "`make run`", "both", "ratio"], rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    file = HERE / f"{NAME}.json"
    earlier = sys.argv[1] if len(sys.argv) > 1 else json.loads(file.read_text())["runs"]["before"]["commit"]
    result = {"command": f"python benchmarks/{NAME}.py {earlier}", "commit": commit(), "machine": machine(), "versions": versions()}
    result["runs"] = measure(earlier)
    write(NAME, result, table(result), DOCUMENT)


if __name__ == "__main__":
    main()
