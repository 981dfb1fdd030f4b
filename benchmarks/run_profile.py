"""Finds where the seconds of the default run go: samples of its main thread, sorted by step and by kind of work.

Command: make bench BENCHMARKS=run_profile, or .venv/bin/python benchmarks/run_profile.py
A second thread looks at the stack of the main thread 50 times a second. The time since its last look belongs to the first kind of work
whose pattern it finds there. About four minutes.
Writes benchmarks/run_profile.json, and from it the table in docs/speed.md.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from report import HERE, commit, conditions, machine, markdown, versions, write

NAME = "run_profile"
DOCUMENT = HERE.parent / "docs" / "speed.md"
PAUSE = 0.02
# The function of each step; what runs outside of them is the start, the records and the copies of figures.
STEPS = {
    "generate_examples": "ExampleGen",
    "generate_statistics": "StatisticsGen",
    "validate_examples": "ExampleValidator",
    "train": "Trainer",
    "evaluate": "Evaluator",
    "visualize": "Visualizer",
    "push": "Pusher",
}
OUTSIDE = "outside of steps"
# Each frame of a stack is `path:function`; a stack belongs to the first kind that it holds a pattern of.
KINDS = {
    "import of modules": r"importlib",
    "tracing of graphs": r":func_graph_from_py_func|:get_concrete_function|:_maybe_define_function",
    "building of models": r"/keras/src/.*:(compute_output_spec|symbolic_call|build)\b|/net/build\.py:",
    "Beam": r"/apache_beam/",
    "steps of the training": r"/train_loop\.py:.*/polymorphic_function\.py:",
    "pictures and pages": r"/matplotlib/|/PIL/|/components/(pictures|exploration)/(sheets|page|chart|sheet)\.py|:encode",
    "forward passes and projections": r"/model/deconvnet/|/model/ahead\.py:|/polymorphic_function\.py:",
    "models and checkpoints on disk": r"/keras/src/saving/|/saved_model/|/h5py/|/checkpoints?\.py:",
    "TensorBoard": r"/summary",
}
OTHER = "other Python"
# After a longer gap between two looks, the second one does not tell what the gap was.
GAP, UNSEEN = 1.0, "not seen"


def watch(main: int, sums: collections.Counter, done: threading.Event) -> None:
    """Adds the seconds of a thread, by step and kind, until `done`; `main` is its identity."""
    last = time.perf_counter()
    while not done.wait(PAUSE):
        step, kind = step_and_kind(sys._current_frames().get(main))
        now = time.perf_counter()
        # No frame is kept until the next look: when its function returned, this thread would free what its variables hold.
        sums[step, kind if now - last < GAP else UNSEEN] += now - last
        last = now


def step_and_kind(frame) -> tuple[str, str]:
    """The step and the kind of work of a stack, from its innermost frame."""
    frames = [(each.f_code.co_filename, each.f_code.co_name) for each, _ in traceback.walk_stack(frame)][::-1]
    step = next((STEPS[name] for path, name in frames if "/components/" in path and name in STEPS), OUTSIDE)
    stack = ";".join(f"{path}:{name}" for path, name in frames)
    return step, next((kind for kind, pattern in KINDS.items() if re.search(pattern, stack)), OTHER)


def sampled_run(root: str, output: str) -> None:
    """Runs `zfnet run` in this process, and writes its seconds by step and kind as JSON."""
    sums: collections.Counter = collections.Counter()
    done = threading.Event()
    watching = threading.Thread(target=watch, args=(threading.main_thread().ident, sums, done))
    watching.start()
    try:
        from zfnet.pipeline.cli.main import main as zfnet

        zfnet(["run", "--root", root], standalone_mode=False)
    finally:
        done.set()
        watching.join()
    pathlib.Path(output).write_text(json.dumps([[*names, seconds] for names, seconds in sums.items()]))


def measure() -> dict:
    """Runs the pipeline from nothing in a process of its own.

    Returns:
        Seconds as a user waits for them, and seconds by step and by kind of work.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "samples.json"
        start = time.perf_counter()
        subprocess.run([sys.executable, __file__, str(pathlib.Path(folder) / "run"), output], check=True)
        taken = time.perf_counter() - start
        samples = json.loads(output.read_text())
    found: dict[str, dict[str, float]] = {}
    for step, kind, seconds in samples:
        found.setdefault(step, {})[kind] = round(seconds, 2)
    return {"seconds": round(taken, 1), "samples": found}


def table(result: dict) -> str:
    """The result as a Markdown table: a row for each kind of work, a column for each step, the largest first."""
    samples = result["profile"]["samples"]
    steps = [step for step in (OUTSIDE, *STEPS.values()) if step in samples]
    kinds = {kind: sum(samples[step].get(kind, 0) for step in steps) for kind in (*KINDS, OTHER, UNSEEN)}

    sums = [sum(samples[step].values()) for step in steps]

    def row(name: str, numbers: list[float]) -> list[str]:
        whole = sum(numbers)
        return [name, *(f"{number:.0f}" if number >= 0.5 else "" for number in (*numbers, whole)), f"{whole / sum(sums):.0%}"]

    rows = [
        row(kind, [samples[step].get(kind, 0) for step in steps])
        for kind, whole in sorted(kinds.items(), key=lambda item: -item[1])
        if whole >= 0.5
    ]
    rows += [row("all", sums), ["of all", *(f"{part / sum(sums):.0%}" for part in (*sums, sum(sums))), ""]]
    return markdown(["seconds of the main thread", *steps, "all", "of all"], rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    if len(sys.argv) > 1:
        sampled_run(*sys.argv[1:])
        return
    result = {"command": f"python benchmarks/{NAME}.py", "commit": commit(), "machine": machine(), "versions": versions()}
    result["profile"] = measure()
    write(NAME, result, table(result), DOCUMENT)


if __name__ == "__main__":
    main()
