"""Inputs of `growth.py`, as cheap as possible, so that the parts themselves are measured: small pictures under many names, tiny nets."""

import functools
import io
import json
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

DISTINCT = 200  # different pictures
WIDTH = 16  # maps of the layers that are not varied
UNITS = 32  # of the dense layers


class Size(NamedTuple):
    """What is varied: classes, examples of the data, maps of the uppermost layer, and pixels of the network's input along a side."""

    classes: int = 10
    examples: int = 2_000
    maps: int = 64
    pixels: int = 64


@functools.cache
def pictures(side: int) -> list[bytes]:
    """Different JPEGs of `side` pixels: windows of the photographs that come with the project, scaled."""
    from PIL import Image
    from report import photographs

    found = []
    for window in photographs(DISTINCT, 96):
        file = io.BytesIO()
        Image.fromarray((window + 128).astype("uint8")).resize((side, side)).save(file, "JPEG", quality=90)
        found.append(file.getvalue())
    return found


def stored_side(size: Size) -> int:
    """Side of the images that are stored."""
    return round(size.pixels * 8 / 7)


def make_folder(root: pathlib.Path, size: Size) -> pathlib.Path:
    """A folder of classes: few different files, and links to them."""
    originals = []
    for number in range(size.examples):
        path = root / f"class{number % size.classes:05d}" / f"{number:08d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < DISTINCT:
            path.write_bytes(pictures(stored_side(size))[number])
            originals.append(path)
        else:
            path.hardlink_to(originals[number % DISTINCT])
    return root


def make_examples(root: pathlib.Path, size: Size):
    """Prepared examples: as many of validation as `size` says, and two of each class for training."""
    from zfnet.components.artifacts import Examples
    from zfnet.components.data.examples.shard import shard_name, write_metadata, write_shard
    from zfnet.components.data.sources.shard_plan import EXAMPLES_PER_SHARD

    side, labels, splits = stored_side(size), [f"class{number:05d}" for number in range(size.classes)], {}
    root.mkdir(parents=True)
    for split, count in (("train", 2 * size.classes), ("validation", size.examples)):
        shards = []
        for index, first in enumerate(starts := range(0, count, EXAMPLES_PER_SHARD)):
            numbers = range(first, min(first + EXAMPLES_PER_SHARD, count))
            path = root / shard_name("grown", split, index, len(starts))
            shards.append(write_shard(path, (_example(number, split, size, labels) for number in numbers))._asdict())
        splits[split] = {"examples": count, "shards": shards}
    write_metadata(root, labels, side, splits)
    about = {"name": "grown", "image_size": size.pixels, "side": side, "labels": labels, "source": "grown"}
    about |= {"published": None, "rejected": 0}
    (root / "rejected.jsonl").write_text("")
    (root / "manifest.json").write_text(json.dumps(about | {"splits": splits}))
    return Examples(root)


def _example(number: int, split: str, size: Size, labels: list[str]) -> dict:
    label = number % size.classes
    name, side = f"{split}/{labels[label]}/{number:08d}.jpg", stored_side(size)
    # The pictures are not in step with the classes.
    image = pictures(side)[(number + number // size.classes) % DISTINCT]
    return {"image": image, "label": label, "class_name": labels[label], "id": name, "photograph": name, "box": (0, 0, side, side)}


def architecture(size: Size) -> str:
    """A narrow zfnet-small of three convolutions, whose uppermost has as many maps as `size` says."""
    widths = [f"conv1.filters={WIDTH}", f"conv2.filters={WIDTH}", f"conv5.filters={size.maps}"]
    return "zfnet-small:without=conv3,without=conv4," + ",".join([*widths, f"fc6.units={UNITS}", f"fc7.units={UNITS}"])


def make_net(size: Size):
    """The untrained net."""
    import keras
    import numpy as np

    from zfnet.model import build

    keras.utils.set_random_seed(0)
    mean = np.full((size.pixels, size.pixels, 3), 128, np.float32)
    return build(architecture(size), (size.pixels, size.pixels, 3), size.classes, mean_image=mean)


def make_run(root: pathlib.Path) -> None:
    """A whole run of one epoch over small examples, whose files the report of other sizes shares."""
    size = Size(examples=200)
    make_examples(root / "data", size)
    command = [pathlib.Path(sys.executable).with_name("zfnet"), "run", "--data", root / "data", "--root", root / "run", "--epochs", "1"]
    options = ["--architecture", architecture(size), "--image-size", str(size.pixels)]
    ended = subprocess.run([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode not in (0, 3):  # 3: a net that hardly trained is not blessed
        raise RuntimeError(ended.stderr)


def make_root(root: pathlib.Path, run: pathlib.Path, examples) -> pathlib.Path:
    """A copy of a run with other examples and statistics; gives the directory of the evaluation, which is to be replaced."""
    shutil.copytree(run, root)
    paths = json.loads((root / "run.json").read_text())["artifacts"]
    manifest = examples.read_json("manifest.json")
    (root / paths["examples"] / "manifest.json").write_text(json.dumps(manifest))
    classes = len(manifest["labels"])
    counts = {split: [found["examples"] // classes] * classes for split, found in manifest["splits"].items()}
    statistics = json.loads((root / paths["statistics"] / "statistics.json").read_text()) | {"classes": counts}
    (root / paths["statistics"] / "statistics.json").write_text(json.dumps(statistics))
    return root / paths["evaluation"]


def random_answers(size: Size):
    """Answers to the examples of `size`; half of them are wrong, mostly another class of the same ten."""
    import numpy as np

    from zfnet.components.evaluation.answers import Answers

    random = np.random.default_rng(0)
    labels = np.arange(size.examples) % size.classes
    near = np.minimum(labels // 10 * 10 + random.integers(0, 10, size.examples), size.classes - 1)
    predicted = np.where(random.random(size.examples) < 0.05, random.integers(0, size.classes, size.examples), near)
    predicted = np.where(random.random(size.examples) < 0.5, labels, predicted)
    ranks, shares = np.where(predicted == labels, 1, random.integers(2, 8, size.examples)), random.random(size.examples)
    return Answers.of(np.stack([labels, predicted, shares, ranks, np.where(ranks == 1, shares, shares / 2)], axis=1), size.classes)
