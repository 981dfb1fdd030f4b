"""Tries the recipe of the small nets: each choice undone by itself on photo_patches, and all of them on other photographs.

Command: make bench BENCHMARKS=recipe, or .venv/bin/python benchmarks/recipe.py [FOLDER ...]
A FOLDER holds photographs of your own, in folders by class; or side by side: then patches are cut out of each as photo_patches are, and the
class is the photograph. Twelve trainings, half an hour on two cores, and three more for each FOLDER.
Writes benchmarks/recipe.json, and from it the tables in docs/paper.md. Without FOLDER, what other photographs gave the last time stays.
"""

import dataclasses
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable

from report import HERE, commit, conditions, machine, markdown, versions, with_table

NAME = "recipe"
DOCUMENT = HERE.parent / "docs" / "paper.md"
ZFNET = str(pathlib.Path(sys.executable).with_name("zfnet"))
NET = "zfnet-small"
# All that the recipe was before, which is the paper's but for the radius.
PAPER = f"{NET}:first_stddev=0.01,rms_radius=0.05,learning_rate=0.01,schedule=plateau,weight_decay=0"
# With strong augmentation, and with crops alone.
STRONG = {
    "as it is": NET,
    "conv1 starts with 0.01": f"{NET}:first_stddev=0.01",
    "rate falls on a plateau": f"{NET}:schedule=plateau",
    "no weight decay": f"{NET}:weight_decay=0",
}
CROPS = {"augmentation of the paper: crops alone": NET, "all of these, and the radius": PAPER}
SEEDS = 1, 2
# Strong augmentation as it was before, one change at a time: the constant, where it is, and its value.
AUGMENTED = {
    "three fifths of the images grey": ("components.data.training_batches", "GREY", 0.6),
    "strong augmentation in six tenths of the epochs": ("components.training.recipe", "STRONG", 0.6),
}
# Runs a command of the project with another value of a constant.
CHANGED = """
import importlib, sys
from zfnet.pipeline.cli.main import main
module, name, value = sys.argv[1:4]
setattr(importlib.import_module(f"zfnet.{module}"), name, float(value))
main(sys.argv[4:])
"""
# Side of a patch over the shortest side of its photograph, as it was before.
SMALL_PATCHES = 0.2, 0.3
PHOTOGRAPHS = {".jpg", ".jpeg", ".png", ".webp"}


@dataclasses.dataclass(frozen=True)
class File:
    """A photograph to cut patches of, as `cut_patches` takes it."""

    path: pathlib.Path

    @property
    def name(self) -> str:
        """Its name, which is the class of its patches."""
        return self.path.stem

    def read(self) -> bytes:
        """The encoded photograph."""
        return self.path.read_bytes()


def write_patches(photographs, folder: pathlib.Path, shares=None) -> pathlib.Path:
    """Cuts patches as those of photo_patches, into `folder/SPLIT/CLASS/*.jpg`; `shares` are other sizes than theirs."""
    from zfnet.components.data.sources import patches

    kept = patches.SMALLEST_SHARE, patches.LARGEST_SHARE
    patches.SMALLEST_SHARE, patches.LARGEST_SHARE = shares or kept
    for photograph in photographs:
        for split in patches.PATCHES:
            target = folder / split / photograph.name
            target.mkdir(parents=True)
            for number, patch in enumerate(patches.cut_patches(photograph, split)):
                (target / f"{number:04d}.jpg").write_bytes(patch["image"])
    patches.SMALLEST_SHARE, patches.LARGEST_SHARE = kept
    return folder


def train(
    names: Iterable[str], data: str, out: pathlib.Path, augmentation: str = "strong", seed: int = 0, changed: tuple = ()
) -> list[dict]:
    """Trains nets by `zfnet compare`; `changed` is a constant, as in `AUGMENTED`.

    Returns:
        For each its top-1 and top-5 error over the validation examples, and the share of conv1's filters that have structure.
    """
    from zfnet.components.inputs.model_file import load_model_file
    from zfnet.model.measures.filters import filter_structure

    options = {"--data": data, "--augmentation": augmentation, "--seed": str(seed), "--out": str(out)}
    command = [sys.executable, "-c", CHANGED, *map(str, changed)] if changed else [ZFNET]
    subprocess.run([*command, "compare", *names, *itertools.chain(*options.items())], check=True)
    rows = {net["architecture"]: net for net in json.loads((out / "compare.json").read_text())["architectures"]}
    return [
        {
            "top1_error": rows[name]["validation_top1_error"],
            "top5_error": rows[name]["validation_top5_error"],
            "structured": float(filter_structure(load_model_file(out / rows[name]["model"]).get_layer("conv1").kernel.numpy()).share),
        }
        for name in names
    ]


def try_choices(work: pathlib.Path) -> list[dict]:
    """Trains on photo_patches: every variation, further seeds, and small patches."""
    from zfnet.components.data.sources.photographs import PHOTOGRAPHS as BUILT_IN

    found = [*train(STRONG.values(), "photo_patches", work / "strong"), *train(CROPS.values(), "photo_patches", work / "crops", "paper")]
    first, *rows = ({"recipe": title, **row} for title, row in zip((*STRONG, *CROPS), found, strict=True))
    seeds = [{"recipe": f"as it is, seed {seed}", **train([NET], "photo_patches", work / f"seed-{seed}", seed=seed)[0]} for seed in SEEDS]
    rows += [
        {"recipe": title, **train([NET], "photo_patches", work / changed[1], changed=changed)[0]} for title, changed in AUGMENTED.items()
    ]
    small = str(write_patches(BUILT_IN, work / "small", SMALL_PATCHES))
    title = f"patches of {SMALL_PATCHES[0]} to {SMALL_PATCHES[1]}"
    (as_it_is,), (undone,) = train([NET], small, work / "small-strong"), train([PAPER], small, work / "small-crops", "paper")
    return [first, *seeds, *rows, {"recipe": title, **as_it_is}, {"recipe": f"{title}, all of these, and the radius", **undone}]


def try_folder(folder: pathlib.Path, work: pathlib.Path) -> dict:
    """Trains on somebody's photographs by the paper's recipe, by that of the small nets, and by it with strong augmentation."""
    files = [File(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in PHOTOGRAPHS]
    data = str(write_patches(files, work / "patches") if files else folder)
    before, after = train([PAPER, NET], data, work / "crops", "paper")
    (strong,) = train([NET], data, work / "strong")
    examples = json.loads((work / "crops" / "compare.json").read_text())["examples"]
    return {"folder": folder.name, "patches": bool(files), "examples": examples, "before": before, "after": after, "strong": strong}


def tables(result: dict) -> dict[str, str]:
    """The tables in Markdown, by the words after the comma in their marks."""
    measures = ["top-1 error", "top-5 error", "conv1's filters with structure"]
    choices = markdown(["recipe", *measures], [[row["recipe"], *_cells(row)] for row in result["choices"]])
    rows = []
    for row in result["folders"]:
        counts = f"{row['examples']['train']:,} + {row['examples']['validation']:,}"
        rows.append([row["folder"], counts, "the paper's", *_cells(row["before"])])
        rows.append(["", "", "as it is", *_cells(row["after"])])
        rows.append(["", "", "with strong augmentation", *_cells(row["strong"])])
    folders = markdown(["photographs", "examples", "recipe", *measures], rows)
    return {"choices": choices + conditions(result), "folders": folders + conditions(result | {"commit": result["folders_commit"]})}


def _cells(row: dict) -> list[str]:
    return [f"{row['top1_error']:.1%}", f"{row['top5_error']:.1%}", f"{row['structured']:.2f}"]


def main() -> None:
    """Trains, and writes the results and the tables."""
    target = HERE / f"{NAME}.json"
    folders = [pathlib.Path(folder).resolve() for folder in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        choices = try_choices(work)
        tried = [try_folder(folder, work / folder.name) for folder in folders]
    tried_at = commit()
    if not tried and target.exists():
        last = json.loads(target.read_text())
        tried, tried_at = last["folders"], last["folders_commit"]
    result = {"command": "python benchmarks/recipe.py", "commit": commit(), "machine": machine(), "versions": versions()}
    result |= {"choices": choices, "folders": tried, "folders_commit": tried_at}
    target.write_text(json.dumps(result, indent=1) + "\n")
    text = DOCUMENT.read_text()
    for part, table in tables(result).items():
        text = with_table(text, NAME, table, part)
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    main()
