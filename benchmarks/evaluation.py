"""Seconds that the Evaluator takes, in turns with another version of this project: `python benchmarks/evaluation.py RUN --before PYTHON`.

RUN is a directory that `zfnet run` wrote. PYTHON is the interpreter of an environment with the other version. Each turn is a process of its
own, in which the step runs twice: the second run, without the imports, counts. Prints JSON.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

STEP = """
import json, pathlib, sys, tempfile, time
from zfnet.components.artifacts import Evaluation, Examples, Model, Statistics
from zfnet.components.evaluator import evaluate
root = pathlib.Path(sys.argv[1])
paths = json.loads((root / "run.json").read_text())["artifacts"]
for _ in range(2):
    with tempfile.TemporaryDirectory() as out:
        begun = time.perf_counter()
        inputs = Examples(root / paths["examples"]), Statistics(root / paths["statistics"]), Model((root / paths["model"]).parent)
        evaluate(*inputs, Evaluation(out), ten_crop=False, baseline=None)
        seconds = time.perf_counter() - begun
print(seconds)
"""


def measure(run: pathlib.Path, before: str, turns: int) -> dict:
    """Median seconds of both versions, and their ratio."""
    seconds: dict[str, list[float]] = {before: [], sys.executable: []}
    for _ in range(turns):
        for python, found in seconds.items():
            done = subprocess.run([python, "-c", STEP, str(run)], check=True, capture_output=True, text=True)
            found.append(float(done.stdout.splitlines()[-1]))
    old, new = (statistics.median(found) for found in seconds.values())
    return {"before": old, "now": new, "ratio": new / old, "turns": turns}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--before", required=True, help="Python interpreter with the version to compare with")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    print(json.dumps(measure(options.run, options.before, options.turns), indent=1))
