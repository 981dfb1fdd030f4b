"""Compares fine-tuning with training from scratch, on 150 photographs in five classes of each of some folders.

Command: .venv/bin/python benchmarks/fine_tuning.py START WORK FOLDER [FOLDER ...]
START is a default run, as `zfnet run` writes it. WORK is a directory for the trainings: a second call does not repeat those that are there.
A FOLDER holds photographs in folders by class, of which the five largest classes are taken, each with 30 photographs at most; a third of
them is for validation, another third in each training. Or it holds photographs side by side: then patches are cut out of the first five, as
photo_patches are, and the class is the photograph.
Four ways to train, two trainings each: eight for each FOLDER, one to three minutes each on two cores.
Writes benchmarks/fine_tuning.json, and from it the table in docs/training.md.
"""

import gc
import pathlib
import shutil
import sys
from collections.abc import Iterator

from recipe import PHOTOGRAPHS, File, write_patches
from report import HERE, commit, conditions, machine, markdown, versions, write

NAME = "fine_tuning"
DOCUMENT = HERE.parent / "docs" / "training.md"
CLASSES = 5
# Photographs of a class for each training.
TRAIN, VALIDATION = 20, 10
FEWEST = 24
TRAININGS, PARTS = 2, 3
# Options of `zfnet run`, without START.
WAYS: dict[str, dict[str, str] | None] = {
    "from scratch": None,
    "fine-tuned": {},
    "fine-tuned, `--freeze conv1..conv3`": {"freeze": "conv1..conv3"},
    "fine-tuned, `--layer-rate conv1..conv5=0.1`": {"layer_rate": "conv1..conv5=0.1"},
}


def choose_photographs(folder: pathlib.Path, work: pathlib.Path) -> Iterator[pathlib.Path]:
    """Links the photographs of each training into a directory `SPLIT/CLASS/`, and yields these directories.

    Raises:
        ValueError: there are fewer than five classes, or a class has too few photographs.
    """
    side_by_side = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTOGRAPHS)[:CLASSES]
    if side_by_side and not (work / "cut").exists():
        write_patches([File(path) for path in side_by_side], work / "cut.partial").rename(work / "cut")
    names = [path.stem for path in side_by_side] or [path.name for path in sorted(folder.iterdir()) if path.is_dir()]
    cut = {name: [sorted((work / "cut" / split / name).glob("*")) for split in ("train", "validation")] for name in names}
    files = {name: sorted(file for file in (folder / name).rglob("*") if file.suffix.lower() in PHOTOGRAPHS) for name in names}
    largest = names if side_by_side else sorted(names, key=lambda name: -len(files[name]))[:CLASSES]
    if len(largest) < CLASSES or (not side_by_side and len(files[largest[-1]]) < FEWEST):
        found = ", ".join(f"{name} {len(files[name])}" for name in largest)
        raise ValueError(f"{folder} has the classes {found}; expected {CLASSES}, with {FEWEST} photographs each at least.")
    for number in range(TRAININGS):
        data = work / f"photographs-{number}"
        shutil.rmtree(data, ignore_errors=True)
        for name in largest:
            if side_by_side:
                train, validation = (each[number * count :][:count] for each, count in zip(cut[name], (TRAIN, VALIDATION), strict=True))
            else:  # Every third is for validation, whatever order the names have.
                taken = files[name][: TRAIN + VALIDATION]
                validation = taken[number::PARTS]
                train = [file for file in taken if file not in validation]
            for split, chosen in {"train": train, "validation": validation}.items():
                (data / split / name).mkdir(parents=True)
                for place, file in enumerate(chosen):
                    (data / split / name / f"{place:02d}{file.suffix}").symlink_to(file.resolve())
        yield data


def measure(start: str, folder: pathlib.Path, work: pathlib.Path) -> dict:
    """Trains in all ways on one folder, by the steps of `zfnet run`. Gives the top-1 errors of the trainings, by the way."""
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.pipeline.commands.run import start_choices
    from zfnet.pipeline.orchestration.local_runner import LocalRunner
    from zfnet.pipeline.run_config import choose
    from zfnet.pipeline.zfnet_pipeline import data_steps, training_steps

    errors: dict[str, list[float]] = {way: [] for way in WAYS}
    counts = []
    # Training from scratch too has the architecture and the size of START.
    given = start_choices({"start_from": start, "architecture": None, "image_size": None})
    with LocalRunner(work / "run", "benchmarks/fine_tuning.py") as runner:
        for seed, data in enumerate(choose_photographs(folder, work)):
            config = choose("folder", given | {"data": str(data), "seed": seed})
            prepared = data_steps(config, open_source(config.data, work), "FnApiRunner", {"ExampleGen": (), "StatisticsGen": ()})
            examples = runner.run(prepared)["ExampleGen"].outputs["examples"]
            counts.append({split: examples.count(split) for split in ("train", "validation")})
            inputs = prepared[0].output("examples"), prepared[1].output("statistics")
            for way, own in WAYS.items():
                chosen = config.with_choices(**({"start_from": None} if own is None else own))
                evaluation = runner.run(training_steps(chosen, work / "run", *inputs))["Evaluator"].outputs["evaluation"]
                errors[way].append(evaluation.read_json("evaluation.json")["top1_error"])
                print(folder.name, seed, way, errors[way][-1], flush=True)
                gc.collect()
    return {"folder": folder.name, "patches": (work / "cut").exists(), "examples": counts, "top1_error": errors}


def table(result: dict) -> str:
    """The table in Markdown: for each way and folder the mean error over the trainings, and the smallest and largest."""
    rows = []
    for way in WAYS:
        cells = [row["top1_error"][way] for row in result["folders"]]
        rows.append([way, *(f"{sum(cell) / len(cell):.1%} ({min(cell):.0%} to {max(cell):.0%})" for cell in cells)])
    names = [f"{row['folder']}{', patches' if row['patches'] else ''}" for row in result["folders"]]
    return markdown(["top-1 error", *names], rows) + conditions(result)


def main() -> None:
    """Trains, and writes the results and the table."""
    start, work, *folders = sys.argv[1:]
    measured = [measure(start, folder, pathlib.Path(work, folder.name)) for folder in map(pathlib.Path, folders)]
    result = {"command": "python benchmarks/fine_tuning.py", "commit": commit(), "machine": machine(), "versions": versions()}
    result |= {"trainings": TRAININGS, "folders": measured}
    write(NAME, result, table(result), DOCUMENT)


if __name__ == "__main__":
    main()
