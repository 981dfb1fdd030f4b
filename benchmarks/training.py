"""Measures a training step: from TFRecords against a batch in memory, with and without contrast normalisation, and in PyTorch.

Command: make bench BENCHMARKS=training, or .venv/bin/python benchmarks/training.py
Writes benchmarks/training.json, and from it a table in docs/speed.md. Takes about ten minutes on two cores.
"""

import dataclasses
import os
import pathlib
import statistics
import tempfile

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from report import commit, conditions, machine, markdown, seconds, versions, write
from steps import prepare, record_batches, torch_step, training_step

NAME = "training"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
SIZE, BATCH = 224, 64
PHOTOGRAPHS = 1200
ROUNDS, STEPS = 5, 3
NAMES = {
    "records": "from TFRecords",
    "memory": "the same batch each time",
    "plain": "the same batch, without contrast normalisation",
    "torch": "PyTorch, the same batch",
    "torch channels last": "PyTorch, the same batch, channels last",
}


def measure() -> dict:
    """Steps of all kinds in turns; seconds of one step each, by kind."""
    from zfnet.model.net.architecture import ZFNET

    plain = dataclasses.replace(ZFNET, convolutions=tuple(dataclasses.replace(row, normalize=None) for row in ZFNET.convolutions))
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, PHOTOGRAPHS, SIZE)
        works = {
            "records": training_step("zfnet", SIZE, BATCH, *record_batches(folder, SIZE, BATCH)),
            "memory": training_step("zfnet", SIZE, BATCH),
            "plain": training_step(plain, SIZE, BATCH),
        }
        try:
            works |= {"torch": torch_step(SIZE, BATCH, False), "torch channels last": torch_step(SIZE, BATCH, True)}
        except ImportError as error:
            print(error)
        taken = {name: [] for name in works}
        for work in works.values():
            work()
        for _ in range(ROUNDS):
            for name, work in works.items():
                work()  # What was prefetched while others ran is used up.
                taken[name].append(min(seconds(work) for _ in range(STEPS)) if name != "records" else _steady(work))
    return taken


def _steady(work) -> float:
    """Seconds a step over several in a row, so that reading has to keep up."""
    return seconds(lambda: [work() for _ in range(STEPS)]) / STEPS


def ratios(taken: dict) -> dict:
    """What is claimed, as medians over the rounds."""
    rounds = [dict(zip(taken, row, strict=True)) for row in zip(*taken.values(), strict=True)]
    found = {
        "records_to_memory": statistics.median(row["memory"] / row["records"] for row in rounds),
        "share_of_normalisation": statistics.median(1 - row["plain"] / row["memory"] for row in rounds),
    }
    if "torch" in taken:
        best = [min(row["torch"], row["torch channels last"]) for row in rounds]
        found["faster_than_torch"] = statistics.median(other / row["records"] for other, row in zip(best, rounds, strict=True))
    return found


def table(result: dict) -> str:
    """The result as Markdown."""
    rows = [
        [NAMES[name], f"{statistics.median(BATCH / one for one in taken):.1f} ({BATCH / min(taken):.1f})"]
        for name, taken in result["seconds"].items()
    ]
    found = result["ratios"]
    words = [
        f"From TFRecords at {found['records_to_memory']:.2f} of the rate from memory",
        f"the two normalisations take {found['share_of_normalisation']:.1%} of a step",
    ]
    if "faster_than_torch" in found:
        words.append(f"the whole is {found['faster_than_torch']:.1f} times as fast as PyTorch in its faster order of axes")
    return markdown([f"ZFNet at {SIZE}, batches of {BATCH}", "images a second"], rows) + f"\n{'; '.join(words)}.\n" + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    taken = measure()
    result = {
        "command": f"python benchmarks/{NAME}.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions(*(["torch"] if "torch" in taken else [])),
        "seconds": taken,
        "ratios": ratios(taken),
    }
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
