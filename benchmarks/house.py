"""Measures the layout of the code: files, lines, folders, arrows between rooms, imports.

Command: make bench BENCHMARKS=house, or .venv/bin/python benchmarks/house.py
Seconds. Writes benchmarks/house.json, and from it the table in docs/layout.md. `tests/test_house.py` keeps the limits.
"""

import ast
import json
import statistics
import subprocess
import sys

from report import HERE, commit, conditions, machine, markdown, versions, with_table

ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests"))
from test_house import FILES, FLOORS, FOLDERS, IMPORTS, UNBOUNDED, is_import  # noqa: E402

NAME = "house"
DOCUMENT = ROOT / "docs" / "layout.md"
TABLE_MODULE = "from zfnet.model.net.architecture import ARCHITECTURES"
ROUNDS = 5


def import_seconds(statement: str) -> float:
    """Seconds that an import takes in a new process, the start of Python not counted: the median of some rounds."""
    program = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    taken = [float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout) for _ in range(ROUNDS)]
    return statistics.median(taken)


def measure() -> dict:
    """Counts files and lines of the three folders."""
    texts = {file: (ROOT / file).read_text() for file in sorted(FILES)}
    lines = {file: len(text.splitlines()) for file, text in texts.items()}
    modules = [file for file in lines if file.name != "__init__.py"]
    imports = sum(node.end_lineno - node.lineno + 1 for text in texts.values() for node in ast.walk(ast.parse(text)) if is_import(node))
    sizes = [sum(file.parent == folder for file in modules) for folder in FOLDERS if folder not in UNBOUNDED]
    upward = [
        (file, other) for file, others in IMPORTS.items() for other in others if FLOORS.index(file.parts[0]) > FLOORS.index(other.parts[0])
    ]
    return {
        "files": len(modules),
        "median_lines": statistics.median(lines[file] for file in modules),
        "longest_file": max(lines.values()),
        "lines": sum(lines.values()),
        "largest_folder": max(sizes),
        "arrows_up": len(upward),
        "import_lines": imports,
        "import_share": imports / sum(lines.values()),
        "seconds_of_architectures": import_seconds(TABLE_MODULE),
        "seconds_of_zfnet": import_seconds("import zfnet"),
    }


def table(result: dict) -> str:
    """The table in Markdown."""
    found = result["house"]
    rows = [
        ["files / median lines / longest", f"{found['files']} / {found['median_lines']:g} / {found['longest_file']}"],
        ["lines", f"{found['lines']:,}"],
        ["files in the largest folder, commands aside", str(found["largest_folder"])],
        ["imports that run up", str(found["arrows_up"])],
        ["import lines", f"{found['import_lines']:,} ({found['import_share']:.1%})"],
        [f"`{TABLE_MODULE}`", f"{found['seconds_of_architectures']:.2f} s"],
        ["`import zfnet`", f"{found['seconds_of_zfnet']:.2f} s"],
    ]
    return markdown(["`model/`, `components/`, `pipeline/`", "measured"], rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = {"command": f"python benchmarks/{NAME}.py", "commit": commit(), "machine": machine(), "versions": versions()}
    result["house"] = measure()
    (HERE / f"{NAME}.json").write_text(json.dumps(result, indent=1) + "\n")
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), NAME, table(result)))


if __name__ == "__main__":
    main()
