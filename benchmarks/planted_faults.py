"""Plants faults in a folder of photographs, trains on it, and counts the faults that the run finds; then mends them and trains again.

Command: make bench BENCHMARKS=planted_faults, or .venv/bin/python benchmarks/planted_faults.py [DIRECTORY]
DIRECTORY, if it is named, keeps the folder and the run. Writes benchmarks/planted_faults.json, from it the table between the marks in
docs/trust.md, and the pictures of that page. Takes about eight minutes on two cores.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from PIL import Image, ImageEnhance
from report import commit, conditions, machine, markdown, versions, write

from zfnet.components.data.sources.patches import PATCHES, decode, patch_boxes
from zfnet.components.data.sources.photographs import PHOTOGRAPHS

NAME = "planted_faults"
DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
# Each picture of the page, and where the first run has it.
PICTURES = {
    "trust_features.png": "{figures}/features.png",
    "trust_near_copies.png": "{anomalies}/near_copies.png",
    "trust_classes.png": "{figures}/classes.png",
    "trust_mistakes.png": "{figures}/mistakes.png",
    "trust_confusion.png": "{figures}/confusion.png",
}
TALLEST = {"trust_near_copies.png": 812}  # three rows of pairs are enough on a page
ZFNET = str(pathlib.Path(sys.executable).with_name("zfnet"))
CLASSES = ("brick", "chelsea", "china", "coffee", "coins", "grass", "gravel", "ihc")
MISLABELLED, AS = "coins", "coffee"  # a tenth of the first class is in the folder of the second
DARK, BRIGHTNESS = "chelsea", 0.35
COPIED, COPIES = "china", 20  # photographs of `train` that are in `validation` too, changed
WORST = 50  # wrong answers that a person looks through


@dataclass(frozen=True)
class Fault:
    """A photograph that is at fault: its kind, and how a person mends it, by the right picture at its right place; None removes it."""

    kind: str
    place: str
    right: Image.Image | None


def plant(folder: str | pathlib.Path) -> dict[str, Fault]:
    """Writes photographs as `folder/SPLIT/CLASS/NUMBER.jpg`, and returns those at fault by their path below `folder`."""
    folder, faults = pathlib.Path(folder), {}
    for photograph in (each for each in PHOTOGRAPHS if each.name in CLASSES):
        pixels = decode(photograph)
        for split, count in PATCHES.items():
            for number, (top, left, bottom, right) in enumerate(patch_boxes(photograph, split, pixels.size)):
                image = stored = pixels.crop((left, top, right, bottom))
                place = path = f"{split}/{photograph.name}/{number:03d}.jpg"
                if photograph.name == MISLABELLED and number < count // 10:
                    path = f"{split}/{AS}/{100 + number + count}.jpg"
                    faults[path] = Fault("mislabelled", place, image)
                elif photograph.name == DARK:
                    stored = ImageEnhance.Brightness(image).enhance(BRIGHTNESS)
                    faults[path] = Fault("dark", place, image)
                elif photograph.name == COPIED and split == "train" and number < COPIES:
                    copy = f"validation/{COPIED}/{100 + number}.jpg"
                    faults[copy] = Fault("near copies", copy, None)
                    save(changed(image, number), folder / copy, quality=60)
                save(stored, folder / path)
    return faults


def changed(image: Image.Image, number: int) -> Image.Image:
    """The image as somebody may keep it a second time: as it is, scaled to 0.7, or without a tenth of its sides."""
    if number % 3 == 1:
        return image.resize((round(0.7 * image.width), round(0.7 * image.height)), Image.Resampling.LANCZOS)
    if number % 3 == 2:
        return image.crop((0, 0, round(0.9 * image.width), round(0.9 * image.height)))
    return image


def save(image: Image.Image, path: pathlib.Path, quality: int = 95) -> None:
    """Writes an image as a JPEG file, and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=quality)


def mend(folder: pathlib.Path, faults: dict[str, Fault]) -> None:
    """Puts the right picture at the right place."""
    for path, fault in faults.items():
        (folder / path).unlink()
        if fault.right:
            save(fault.right, folder / fault.place)


def run(folder: pathlib.Path, root: pathlib.Path) -> dict:
    """Runs `zfnet run`; returns run.json, with the evaluation, and with the wrong answers for training photographs, worst first."""
    subprocess.run([ZFNET, "run", "--data", str(folder), "--root", str(root)], check=True)
    summary = json.loads((root / "run.json").read_text())
    evaluation = json.loads((root / summary["artifacts"]["evaluation"] / "evaluation.json").read_text())
    command = [ZFNET, "evaluate", str(root), "--split", "train", "--worst", str(WORST), "--json"]
    answers = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return summary | {"evaluation": evaluation, "train_mistakes": answers["models"][0]["mistakes"]}


def shown(summary: dict) -> dict[str, set[str]]:
    """The photographs that a run shows to a person who looks for a kind of fault, by the kind and the place where they look."""
    dark = [anomaly["class"] for anomaly in summary["anomalies"] if anomaly["kind"] == "dark_class"]
    return {
        "mislabelled, in validation": {mistake["id"] for mistake in summary["evaluation"]["mistakes"]},
        "mislabelled, in train": {mistake["id"] for mistake in summary["train_mistakes"]},
        "near copies": {anomaly["validation"] for anomaly in summary["anomalies"] if anomaly["kind"] == "near_copy"},
        "dark": {f"{split}/{name}/{number:03d}.jpg" for name in dark for split, count in PATCHES.items() for number in range(count)},
    }


PLACES = {
    "mislabelled, in validation": "report, the most confident mistakes",
    "mislabelled, in train": f"`zfnet evaluate --split train --worst {WORST}`",
    "near copies": "report, warnings and pictures",
    "dark": "report, warnings",
}


def measure(work: pathlib.Path) -> dict:
    """Plants, runs, mends all that was found, and runs again; copies pictures of the first run to the documentation."""
    folder, root, made_at = work / "photographs", work / "zfnet_run", commit()  # before pictures of the documentation change
    faults = plant(folder)
    before = run(folder, root)
    for name, path in PICTURES.items():
        with Image.open(root / path.format(**before["artifacts"])) as picture:
            picture.crop((0, 0, picture.width, min(picture.height, TALLEST.get(name, picture.height)))).save(DOCS / "pictures" / name)
    counts, seen = {}, shown(before)
    for place, ids in seen.items():
        split = place.partition("in ")[2]
        planted = {path for path, fault in faults.items() if place.startswith(fault.kind) and path.startswith(split)}
        counts[place] = {"planted": len(planted), "found": len(planted & ids), "others": len(ids - planted)}
    found = {path: fault for path, fault in faults.items() if path in set().union(*seen.values())}
    mend(folder, found)
    after = run(folder, root)
    errors = {name: summary["evaluation"]["top1_error"] for name, summary in (("before", before), ("after", after))}
    return {
        "command": f"python benchmarks/{NAME}.py",
        "commit": made_at,
        "machine": machine(),
        "versions": versions(),
        "examples": before["examples"],
        "faults": counts,
        "missed": sorted(set(faults) - set(found)),
        "dark_class": [anomaly["message"] for anomaly in before["anomalies"] if anomaly["kind"] == "dark_class"],
        "mended": len(found),
        "top1_error": errors | {"version 1 on mended examples": after["evaluation"]["baseline"]["top1_error"]},
        "status": after["status"],
        "reason": after["evaluation"]["reason"],
    }


def table(result: dict) -> str:
    """The result as Markdown."""
    errors, examples = result["top1_error"], result["examples"]
    rows = [[fault, n["planted"], PLACES[fault], n["found"], n["others"]] for fault, n in result["faults"].items()]
    words = f"""
{examples["train"]:,} photographs to train, {examples["validation"]:,} to validate. {result["mended"]} photographs were mended.

| top-1 error | on the photographs with faults | on the mended photographs |
| --- | --- | --- |
| version 1, trained on photographs with faults | {errors["before"]:.1%} | {errors["version 1 on mended examples"]:.1%} |
| version 2, trained on mended photographs | | {errors["after"]:.1%} |
"""
    return markdown(["fault", "planted", "where the run shows it", "found", "others shown there"], rows) + words + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    with tempfile.TemporaryDirectory() as scratch:
        result = measure(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else scratch))
    write(NAME, result, table(result), DOCS / "trust.md")
    print(table(result))


if __name__ == "__main__":
    main()
