"""A folder with planted faults: each of them is found from the report, and by the command that the report names."""

import io
import json
import pathlib
import subprocess
import sysconfig

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from zfnet.components.data.sources.patches import decode
from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.data.sources.shard_plan import hold_out
from zfnet.pipeline.report import read_report, report_page

CLASSES = ("chelsea", "china", "coffee", "flower")
NUMBER, SIDE, STEP = 60, 72, 44  # photographs of a class, their side, and the pixels between two of them
MISLABELLED, TRUE, WRONG, DARK = 6, "coffee", "china", "flower"
CHANGES = {
    "again": lambda image: (image, 40),
    "scaled": lambda image: (image.resize((110, 110), Image.Resampling.LANCZOS), 85),
    "cropped": lambda image: (image.crop((3, 4, SIDE - 4, SIDE - 3)), 90),
}
ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"


def squares(name: str) -> list[Image.Image]:
    photograph = decode(next(each for each in PHOTOGRAPHS if each.name == name))
    photograph = photograph.resize((round(photograph.width * 420 / photograph.height), 420), Image.Resampling.LANCZOS)
    places = [(x, y) for y in range(0, 420 - SIDE, STEP) for x in range(0, photograph.width - SIDE, STEP)]
    order = np.random.default_rng(0).permutation(len(places))[:NUMBER]
    return [photograph.crop((x, y, x + SIDE, y + SIDE)) for x, y in (places[number] for number in order)]


def plant(folder: pathlib.Path) -> tuple[set[str], list[tuple[str, str]]]:
    """Writes the folder; returns the ids of the mislabelled photographs, and of the pairs of near copies in train and validation."""
    mislabelled, files = set(), {}
    for name in CLASSES:
        for number, image in enumerate(squares(name)):
            wrong = name == TRUE and number < MISLABELLED
            id = f"{WRONG if wrong else name}/{name[:2]}{number:03d}.jpg"
            files[id] = encoded(ImageEnhance.Brightness(image).enhance(0.35) if name == DARK else image, 92)
            mislabelled |= {id} if wrong else set()
    own, copies = {id for id in files if id.startswith("chelsea/")}, []
    for train, (name, change) in zip(sorted(own - hold_out(own)), CHANGES.items(), strict=False):
        copy = next(id for number in range(100) if (id := f"chelsea/{name}{number}.jpg") in hold_out(own | {id}))
        files[copy] = encoded(*change(Image.open(io.BytesIO(files[train]))))
        copies.append((train, copy))
    for id, content in files.items():
        (folder / id).parent.mkdir(parents=True, exist_ok=True)
        (folder / id).write_bytes(content)
    return mislabelled, copies


def encoded(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def run(forked, directory: pathlib.Path, *words: str) -> str:
    done = subprocess.run(forked([ZFNET, *words]), cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_each_planted_fault_is_in_the_report(tmp_path, forked):
    mislabelled, copies = plant(tmp_path / "photographs")
    validating = mislabelled & hold_out(f"{WRONG}/{path.name}" for path in (tmp_path / "photographs" / WRONG).iterdir())
    assert validating
    assert mislabelled - validating
    run(forked, tmp_path, "run", "--data", "photographs", "--root", "root", "--image-size", "56", "--batch-size", "32", "--epochs", "30")
    content = read_report(tmp_path / "root")
    page = report_page(content)
    warnings = page[page.index("Warnings about the data") : page.index("Where it errs")]
    assert f"The class {DARK} is dark" in warnings
    assert f"And {len(copies) - 1} more of this kind." in warnings
    assert content["near_copies"] is not None
    for train, validation in copies:
        assert f"Nearly the same picture is in train ({train}) and in validation ({validation})" in page
    (entry,) = (each for each in content["classes"] if each["class"] == WRONG)
    assert entry["mistaken_for"][0]["class"] == TRUE
    for id in validating:
        assert f"<td>{id}</td><td>{WRONG}</td><td>{TRUE}</td>" in page
    command = f"evaluate {tmp_path / 'root'} --split train --worst 20"
    assert f"zfnet {command}" in page
    worst = {each["id"] for each in json.loads(run(forked, tmp_path, *command.split(), "--json"))["models"][0]["mistakes"]}
    assert len(worst & mislabelled) > len(mislabelled - validating) / 2
