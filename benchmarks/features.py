"""Measures what features learned on ten photographs are worth for five others, against training from scratch: Tables 4 to 7.

Command: make bench BENCHMARKS=features, or .venv/bin/python benchmarks/features.py
Writes benchmarks/features.json, and from it the tables of docs/paper.md for Tables 4 to 7, and their picture. Takes about a quarter of an
hour on two cores.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from report import commit, conditions, machine, markdown, versions, write

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "paper.md"
NAME = "features"
PICTURE = HERE.parent / "docs" / "pictures" / "paper_features.png"
ZFNET = str(pathlib.Path(sys.executable).with_name("zfnet"))
NEW = 3  # Every third photograph is new; the net is pretrained on the others.
FOLDS = 3


def write_patches(directory: pathlib.Path, photographs) -> None:
    """Writes the patches of some photographs as a folder that `--data` takes."""
    from zfnet.components.data.sources.patches import PATCHES, cut_patches

    for photograph in photographs:
        for split in PATCHES:
            for example in cut_patches(photograph, split):
                file = directory / split / photograph.name / f"{example['id'].rpartition('/')[2]}.jpg"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(example["image"])


def measure(directory: pathlib.Path) -> dict:
    """Pretrains on ten photographs and measures on five, by the commands that a user has.

    Args:
        directory: an empty one.

    Returns:
        Accuracies of every classifier, layer and number of training images.
    """
    from zfnet.components.data.sources.photographs import PHOTOGRAPHS

    new = PHOTOGRAPHS[NEW - 1 :: NEW]
    write_patches(directory / "known", [photograph for photograph in PHOTOGRAPHS if photograph not in new])
    write_patches(directory / "new", new)
    subprocess.run([ZFNET, "run", "--data", "known", "--root", "pretrained"], cwd=directory, check=True)
    command = [ZFNET, "features", "pretrained", "--data", "new", "--from-scratch", "--folds", str(FOLDS), "--out", "measured"]
    subprocess.run(command, cwd=directory, check=True)
    shutil.copyfile(directory / "measured/features.png", PICTURE)
    return summarize(json.loads((directory / "measured/features.json").read_text()))


def summarize(numbers: dict) -> dict:
    """What is kept of `features.json`: all but the accuracy of each class."""
    return {
        "command": f"python benchmarks/{NAME}.py",
        "commit": commit(),
        "machine": machine(),
        "versions": versions("scikit-learn"),
        "new_classes": numbers["class_names"],
        "seen_in_pretraining": {
            kind: {"found": len(numbers["overlap"][kind]), "of": numbers["overlap"]["looked"][kind]} for kind in ("train", "test")
        },
        "last_layer": numbers["last_layer"],
        "layers": numbers["layers"],
        "results": [{name: value for name, value in each.items() if name != "classes"} for each in numbers["results"]],
    }


def table(result: dict) -> str:
    """Accuracy against training images a class (Tables 4 and 5), and of each layer's features (Table 7), as Markdown."""
    last, found, count = result["last_layer"], _cells(result), len(result["new_classes"])
    per_class = sorted({each["per_class"] for each in result["results"]})
    rows = [
        [title, *(found[key, layer, n] for n in per_class)]
        for title, key, layer in (
            (f"pretrained, softmax on {last}", "softmax", last),
            (f"pretrained, linear SVM on {last}", "svm", last),
            ("the same net from scratch", "from scratch", None),
        )
    ]
    text = markdown(["training images a class", *per_class], rows) + "\n"
    most = per_class[-1]
    rows = [[layer, found["svm", layer, most], found["softmax", layer, most]] for layer in result["layers"]]
    text += markdown([f"{most} training images a class", "linear SVM", "softmax"], rows)
    seen = " and ".join(f"{each['found']} of {each['of']} {kind} images" for kind, each in result["seen_in_pretraining"].items())
    text += (
        f"\nMean accuracy per class of {count} new classes ({', '.join(result['new_classes'])}) and its standard deviation over {FOLDS}\n"
    )
    text += f"folds; chance is {1 / count:.0%}. Seen in pretraining: {seen}.\n"
    return text + conditions(result)


def _cells(result: dict) -> dict:
    return {
        (each["classifier"], each["layer"], each["per_class"]): f"{100 * each['mean']:.1f} ± {100 * (each['deviation'] or 0):.1f} %"
        for each in result["results"]
    }


def main() -> None:
    """Measures, and writes the result and the tables."""
    with tempfile.TemporaryDirectory() as directory:
        result = measure(pathlib.Path(directory))
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
