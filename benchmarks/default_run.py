"""Measures the default run: `zfnet run` from nothing, and once more with nothing changed.

Command: make bench, or .venv/bin/python benchmarks/default_run.py
Writes benchmarks/default_run.json, from it the table between the marks in README.md, and the pictures that the README shows.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from report import commit, machine, markdown, write

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parent / "README.md"
PICTURES = ("features.png", "gallery_conv5.png", "evolution_conv5.png", "filters_conv1.png", "mistakes.png")
NAME = "default_run"
ZFNET = str(pathlib.Path(sys.executable).with_name("zfnet"))


def measure(root: pathlib.Path) -> dict:
    """Runs the default pipeline twice under an empty root.

    Args:
        root: where to run it.

    Returns:
        Seconds of both runs as a user waits for them, seconds of each step, errors, share of structured filters, errors of always
        predicting the most frequent classes, number of examples, commit, machine and versions.
    """
    seconds = {}
    for name in ("first", "again"):
        start = time.monotonic()
        subprocess.run([ZFNET, "run", "--root", str(root)], check=True)
        seconds[name] = round(time.monotonic() - start, 1)
        summary = json.loads((root / "run.json").read_text())
        if name == "first":
            steps = summary["seconds"]
    counts = json.loads((root / summary["artifacts"]["statistics"] / "statistics.json").read_text())["classes"]["validation"]
    return {
        "command": "zfnet run",
        "commit": commit(),
        "machine": machine(),
        "versions": summary["versions"],
        "seconds": seconds,
        "seconds_of_steps": steps,
        "metrics": summary["metrics"],
        "chance": {f"top{k}_error": 1 - sum(sorted(counts)[-k:]) / sum(counts) for k in (1, 5)},
        "examples": summary["examples"],
    }


def table(result: dict) -> str:
    """The result as a Markdown table."""
    metrics, chance, seconds = result["metrics"], result["chance"], result["seconds"]
    where, versions = result["machine"], result["versions"]
    rows = [
        ("`zfnet run`, from nothing", f"{seconds['first']:.0f} s, of which Trainer {result['seconds_of_steps']['Trainer']:.0f} s"),
        ("`zfnet run` again, nothing changed", f"{seconds['again']:.1f} s"),
        ("top-1 error", f"{metrics['top1_error']:.1%} (chance {chance['top1_error']:.1%})"),
        ("top-5 error", f"{metrics['top5_error']:.1%} (chance {chance['top5_error']:.1%})"),
        ("filters of conv1 with structure", f"{metrics['structured']:.0%}"),
        ("examples", f"{result['examples']['train']:,} to train, {result['examples']['validation']:,} to validate"),
        ("machine", f"{where['cores']} cores of {where['processor']}, {where['gpus'] or 'no'} GPU, {where['system']}"),
        ("versions", f"Python {versions['python']}, TensorFlow {versions['tensorflow']}, Keras {versions['keras']}"),
    ]
    return markdown(["", ""], rows)


def main() -> None:
    """Measures, and writes the result and the table."""
    with tempfile.TemporaryDirectory() as root:
        result = measure(pathlib.Path(root))
        for name in PICTURES:
            shutil.copyfile(pathlib.Path(root) / "figures" / name, HERE.parent / "docs" / "pictures" / name)
    write(NAME, result, table(result), README)


if __name__ == "__main__":
    main()
