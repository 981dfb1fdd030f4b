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

from report import commit, conditions, machine, markdown, matrix_product_rate, seconds, versions, write
from step_profile import BATCH, NETS, operations
from steps import prepare, record_batches, torch_step, training_step

NAME = "training"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "speed.md"
SIZE = NETS["zfnet"]
PHOTOGRAPHS = 1200
ROUNDS, STEPS = 5, 3
NAMES = {
    "records": "from TFRecords",
    "memory": "the same batch each time",
    "plain": "the same batch, without contrast normalisation",
    "torch": "PyTorch, the same batch",
    "torch channels last": "PyTorch, the same batch, channels last",
    "limit": "convolutions and dense layers alone, at the rate of a matrix product",
}
PEERS = {"torch channels last": "over PyTorch, channels last", "torch": "over PyTorch"}


def measure() -> dict:
    """Steps of all kinds in turns; seconds of one step each, by kind, and of the limit."""
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
        products = sum(operations("zfnet").values())
        taken = {name: [] for name in (*works, "limit")}
        for work in works.values():
            work()
        for _ in range(ROUNDS):
            taken["limit"].append(products / matrix_product_rate())
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
    for peer in PEERS:
        if peer in taken:
            ours = [name for name in taken if name not in PEERS]
            found[f"over {peer}"] = {name: statistics.median(row[peer] / row[name] for row in rounds) for name in ours}
    return found


def table(result: dict) -> str:
    """The result as Markdown."""
    found = result["ratios"]
    peers = [peer for peer in PEERS if f"over {peer}" in found]
    rows = []
    for name, taken in result["seconds"].items():
        rate = f"{statistics.median(BATCH / one for one in taken):.1f} ({BATCH / min(taken):.1f})"
        over = [found[f"over {peer}"].get(name) for peer in peers]
        rows.append([NAMES[name], rate, *(f"{ratio:.2f}" if ratio else "" for ratio in over)])
    words = (
        f"\nFrom TFRecords at {found['records_to_memory']:.2f} of the rate from memory; "
        f"the two normalisations take {found['share_of_normalisation']:.1%} of a step.\n"
    )
    head = [f"ZFNet at {SIZE}, batches of {BATCH}", "images a second", *(PEERS[peer] for peer in peers)]
    return markdown(head, rows) + words + conditions(result)


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
