"""Measures a thousand calls one after the other: whether the last ones cost what the second did, in time and in memory.

Command: make bench, or .venv/bin/python benchmarks/repeated_calls.py
Writes benchmarks/repeated_calls.json, and from it a table in docs/speed.md. Takes about two minutes on two cores.
"""

import os
import pathlib
import statistics

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, photographs, seconds, versions, write

NAME = "repeated_calls"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
CALLS = 1000
IMAGES = 4


def measure() -> dict:
    """Calls `project` and `project_patches` in turns, each time of other units of other layers."""
    import keras

    from zfnet.model import Deconvnet, build

    keras.utils.set_random_seed(0)
    deconvnet = Deconvnet(build("zfnet-small", (96, 96, 3), 15))
    images = photographs(IMAGES, 96)
    layers = ["conv2", "conv3", "conv5", "fc6"]

    def call(number):
        layer = layers[number % len(layers)]
        deconvnet.project(images, layer, number % 48)
        deconvnet.project_patches(images, layer, number % 48)

    first = [seconds(call, number) for number in range(len(layers))]
    taken, memory = [], []
    for number in range(CALLS):
        taken.append(seconds(call, number))
        memory.append(resident())
    second = taken[: len(layers)]
    return {
        "command": "python benchmarks/repeated_calls.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "calls": CALLS,
        "first_seconds": statistics.mean(first),
        "second_seconds": statistics.mean(second),
        "total_seconds": sum(taken),
        "first_hundred_seconds": statistics.median(taken[:100]),
        "last_hundred_seconds": statistics.median(taken[-100:]),
        "memory_mib": {"after_100": memory[99], "after_500": memory[499], "after_1000": memory[-1]},
    }


def resident() -> float:
    """Memory of this process in MiB."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def table(result: dict) -> str:
    """The result as Markdown."""
    second, total = result["second_seconds"], result["total_seconds"]
    ends = [f"{result[f'{end}_hundred_seconds'] * 1000:.1f} ms" for end in ("first", "last")]
    rows = [
        ["first call from a layer (compiles)", f"{result['first_seconds'] * 1000:.0f} ms"],
        ["second call", f"{second * 1000:.1f} ms"],
        [f"{result['calls']:,} calls", f"{total:.1f} s, {total / second:.0f} × the second"],
        ["median of the first and of the last hundred", " and ".join(ends)],
        ["memory after 100, 500, 1,000 calls", ", ".join(f"{value:,.0f} MiB" for value in result["memory_mib"].values())],
    ]
    return markdown(["`project` and `project_patches`, zfnet-small", ""], rows) + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    result = measure()
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
