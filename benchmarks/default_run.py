"""Measures the default run: `zfnet run` from nothing, and once more with nothing changed.

Command: make bench
Writes benchmarks/default_run.json, from it the table between the marks in README.md, and the pictures that the README shows.
"""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
RESULT = HERE / "default_run.json"
README = HERE.parent / "README.md"
PICTURES = ("gallery_conv5.png", "evolution_conv5.png", "filters_conv1.png")
MARKS = ("<!-- made by benchmarks/default_run.py -->\n", "<!-- end -->\n")
ZFNET = str(pathlib.Path(sys.executable).with_name("zfnet"))


def measure(root: pathlib.Path) -> dict:
    """Runs the default pipeline twice under an empty root.

    Args:
        root: where to run it.

    Returns:
        Seconds of both runs as a user waits for them, seconds of each step, errors and what always answering the commonest classes
        gives, number of examples, commit, machine and versions.
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
    commit = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True)
    return {
        "command": "zfnet run",
        "commit": commit.stdout.strip(),
        "machine": machine(),
        "versions": summary["versions"],
        "seconds": seconds,
        "seconds_of_steps": steps,
        "metrics": summary["metrics"],
        "chance": {f"top{k}_error": 1 - sum(sorted(counts)[-k:]) / sum(counts) for k in (1, 5)},
        "examples": summary["examples"],
    }


def machine() -> dict:
    """What this runs on: processor, cores, number of GPUs that TensorFlow sees, operating system."""
    import tensorflow as tf

    information = pathlib.Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "gpus": len(tf.config.list_physical_devices("GPU")),
        "system": f"{platform.system()} {platform.machine()}",
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
        ("examples", f"{result['examples']['train']:,} to train, {result['examples']['validation']:,} to validate"),
        ("machine", f"{where['cores']} cores of {where['processor']}, {where['gpus'] or 'no'} GPU, {where['system']}"),
        ("versions", f"Python {versions['python']}, TensorFlow {versions['tensorflow']}, Keras {versions['keras']}"),
    ]
    return "".join(["| | |\n|---|---|\n", *(f"| {name} | {value} |\n" for name, value in rows)])


def with_table(readme: str, result: dict) -> str:
    """The text of the README with the table of `result` between its marks."""
    before, rest = readme.split(MARKS[0])
    return before + MARKS[0] + table(result) + MARKS[1] + rest.split(MARKS[1])[1]


def main() -> None:
    """Measures, and writes the result and the table."""
    with tempfile.TemporaryDirectory() as root:
        result = measure(pathlib.Path(root))
        for name in PICTURES:
            shutil.copyfile(pathlib.Path(root) / "figures" / name, HERE.parent / "docs" / "pictures" / name)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    README.write_text(with_table(README.read_text(), result))


if __name__ == "__main__":
    main()
