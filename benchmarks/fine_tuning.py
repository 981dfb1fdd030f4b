"""Compares fine-tuning with training from scratch, on 150 photographs in five classes of each of some folders.

Command: .venv/bin/python benchmarks/fine_tuning.py START FOLDER [FOLDER ...]
START is a default run, as `zfnet run` writes it. A FOLDER holds photographs in folders by class, of which the five largest classes are
taken; or side by side: then patches are cut out of five of them as photo_patches are, and the class is the photograph.
Four ways to train, three seeds: twelve trainings for each FOLDER, half an hour on two cores.
Writes benchmarks/fine_tuning.json, and from it the table in docs/training.md.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from recipe import PHOTOGRAPHS, ZFNET, File, write_patches
from report import HERE, commit, conditions, machine, markdown, versions, with_table

NAME = "fine_tuning"
DOCUMENT = HERE.parent / "docs" / "training.md"
CLASSES = 5
# Photographs of a class: as many as these, and the fewest.
COUNTS = {"train": 20, "validation": 10}
FEWEST = {"train": 18, "validation": 9}
SEEDS = 0, 1, 2
# Options of `zfnet run`, without START.
WAYS: dict[str, tuple[str, ...] | None] = {
    "from scratch": None,
    "fine-tuned": (),
    "fine-tuned, `--freeze conv1..conv3`": ("--freeze", "conv1..conv3"),
    "fine-tuned, `--layer-rate conv1..conv5=0.1`": ("--layer-rate", "conv1..conv5=0.1"),
}


def choose_photographs(folder: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """Links the photographs to use into `work/SPLIT/CLASS/`, and returns `work`.

    Raises:
        ValueError: there are fewer than five classes, or a class has too few photographs.
    """
    side_by_side = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTOGRAPHS)[:CLASSES]
    if side_by_side:
        cut = write_patches([File(path) for path in side_by_side], work / "cut")
        found = {path.stem: {split: sorted((cut / split / path.stem).iterdir()) for split in COUNTS} for path in side_by_side}
    else:
        found = {}
        for path in sorted(folder.iterdir()):
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in PHOTOGRAPHS)
            # Every third is for validation, whatever order the names have.
            found[path.name] = {"train": [file for place, file in enumerate(files) if place % 3], "validation": files[::3]}
    largest = sorted(found, key=lambda name: -len(found[name]["train"]))[:CLASSES]
    if len(largest) < CLASSES:
        raise ValueError(f"{folder} has {len(largest)} classes; expected {CLASSES}.")
    for name in largest:
        for split, count in COUNTS.items():
            if len(found[name][split]) < FEWEST[split]:
                raise ValueError(
                    f"{folder}/{name} has {len(found[name][split])} photographs for {split}; expected {FEWEST[split]} at least."
                )
            target = work / "data" / split / name
            target.mkdir(parents=True)
            for number, file in enumerate(found[name][split][:count]):
                (target / f"{number:02d}{file.suffix}").symlink_to(file.resolve())
    return work / "data"


def train(data: pathlib.Path, root: pathlib.Path, seed: int, *options: str) -> float:
    """Runs the pipeline, and returns the top-1 error over the validation photographs."""
    command = [ZFNET, "run", "--data", str(data), "--root", str(root), "--seed", str(seed), *options]
    code = subprocess.run(command).returncode
    if code not in (0, 3):  # A model that is not better than the last one is not served: that is no failure here.
        raise SystemExit(code)
    return json.loads((root / "run.json").read_text())["metrics"]["top1_error"]


def measure(start: str, folder: pathlib.Path, work: pathlib.Path, *options: str, seeds: tuple[int, ...] = SEEDS) -> dict:
    """Trains in all ways on one folder; `options` are further ones of `zfnet run`. Gives the error of each seed, by the way."""
    data, errors = choose_photographs(folder, work), {}
    for way, own in WAYS.items():
        given = () if own is None else ("--start-from", start, *own)
        # Runs of one root share the prepared photographs.
        errors[way] = [train(data, work / "run", seed, *given, *options) for seed in seeds]
    return {"folder": folder.name, "patches": (work / "cut").exists(), "top1_error": errors}


def table(result: dict) -> str:
    """The table in Markdown: for each way and folder the mean error over seeds, and the smallest and largest."""
    rows = []
    for way in WAYS:
        cells = [row["top1_error"][way] for row in result["folders"]]
        rows.append([way, *(f"{sum(cell) / len(cell):.1%} ({min(cell):.0%} to {max(cell):.0%})" for cell in cells)])
    names = [f"{row['folder']}{', patches' if row['patches'] else ''}" for row in result["folders"]]
    return markdown(["training", *names], rows) + conditions(result)


def main() -> None:
    """Trains, and writes the results and the table."""
    start, *folders = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        measured = [measure(start, pathlib.Path(folder), pathlib.Path(temporary, str(place))) for place, folder in enumerate(folders)]
    result = {"command": "python benchmarks/fine_tuning.py", "commit": commit(), "machine": machine(), "versions": versions()}
    result |= {"epochs": "default", "seeds": list(SEEDS), "folders": measured}
    (HERE / f"{NAME}.json").write_text(json.dumps(result, indent=1) + "\n")
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), NAME, table(result)))


if __name__ == "__main__":
    main()
