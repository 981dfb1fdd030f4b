import io

import apache_beam as beam
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from zfnet.components.data.copies.near_copies import NearCopies, NearCopy, draw_near_copies
from zfnet.components.data.examples.shard import write_shard
from zfnet.components.data.sources.patches import decode
from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.inputs.photograph import prepare_photograph

SIDE = 110
PATCH = 200  # pixels of a photograph


def patches() -> list[Image.Image]:
    """Squares of photographs that do not overlap; no two show the same, but some are alike."""
    found = []
    for name in ("astronaut", "chelsea", "coffee", "china", "flower", "rocket"):
        photograph = decode(next(each for each in PHOTOGRAPHS if each.name == name))
        width, height = photograph.size
        places = [(left, top) for top in range(0, height - PATCH, PATCH) for left in range(0, width - PATCH, PATCH)]
        found += [photograph.crop((left, top, left + PATCH, top + PATCH)) for left, top in places]
    return found


def compress(image: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def crop(image: Image.Image, left: float, top: float, side: float) -> Image.Image:
    return image.crop(tuple(round(PATCH * edge) for edge in (left, top, left + side, top + side)))


CHANGES = {
    "cropped": lambda image: compress(crop(image, 0.06, 0.03, 0.88)),
    "cropped and mirrored": lambda image: compress(ImageOps.mirror(crop(image, 0.02, 0.04, 0.9))),
    "compressed": lambda image: compress(image, 40),
    "scaled": lambda image: compress(image.resize((90, 90))),
    "brighter": lambda image: compress(ImageEnhance.Brightness(image).enhance(1.15)),
    "mirrored": lambda image: compress(ImageOps.mirror(image)),
}


def write(path, images: dict[str, bytes]) -> str:
    examples = [
        {"image": prepare_photograph(encoded, SIDE)[0], "label": 0, "class_name": "", "id": id, "photograph": id, "box": [0, 0, 1, 1]}
        for id, encoded in images.items()
    ]
    write_shard(path, examples)
    return str(path)


def find(shards: list[tuple[str, str]], path, *options: str) -> list[dict]:
    with beam.Pipeline(runner="FnApiRunner", options=beam.options.pipeline_options.PipelineOptions(list(options))) as pipeline:
        found = pipeline | beam.Create(shards) | NearCopies() | beam.combiners.Top.Smallest(100)
        _ = found | beam.Map(lambda copies: np.save(path, [copy.anomaly for copy in copies]))
    return np.load(path, allow_pickle=True).tolist()


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    return patches()


@pytest.fixture(scope="module")
def shards(images, tmp_path_factory):
    """Half of the images in training; the others in validation, and beside them changed training images, and training images of those."""
    path = tmp_path_factory.mktemp("shards")
    train = {f"train {number:02d}": compress(image) for number, image in enumerate(images[::2])}
    validation = {f"other {number:02d}": compress(image) for number, image in enumerate(images[1::2])}
    for number, (name, change) in enumerate(CHANGES.items()):
        validation[name] = change(images[2 * number])
    train["of other 00"] = CHANGES["cropped"](images[1])
    train["equal"] = validation["equal"] = compress(images[3])
    names = sorted(train)
    parts = [names[:7], names[7:]]
    files = [("train", write(path / f"train-{index}", {id: train[id] for id in part})) for index, part in enumerate(parts)]
    return [*files, ("validation", write(path / "validation", validation))]


def test_each_change_is_found_and_nothing_else(shards, tmp_path):
    found = find(shards, tmp_path / "found.npy")
    pairs = {(copy["train"], copy["validation"]) for copy in found}
    expected = {(f"train {number:02d}", name) for number, name in enumerate(CHANGES)} | {("of other 00", "other 00")}
    assert pairs == expected
    correlations = [copy["correlation"] for copy in found]
    assert correlations == sorted(correlations, reverse=True)
    assert min(correlations) >= 0.88
    assert {copy["kind"] for copy in found} == {"near_copy"}
    assert all(copy["train"] in copy["message"] and copy["validation"] in copy["message"] for copy in found)


def test_the_same_pairs_whatever_the_workers_and_the_order(shards, tmp_path):
    expected = find(shards, tmp_path / "one.npy")
    again = find(shards[::-1], tmp_path / "many.npy", "--direct_running_mode=multi_threading", "--direct_num_workers=3")
    assert again == expected


def test_without_validation_or_detail_nothing_is_found(tmp_path):
    grey = compress(Image.new("RGB", (PATCH, PATCH), (120, 120, 120)))
    train = ("train", write(tmp_path / "train", {"a": grey, "b": compress(Image.new("RGB", (PATCH, PATCH), (121, 120, 120)))}))
    assert find([train], tmp_path / "none.npy") == []
    assert find([train, ("validation", write(tmp_path / "validation", {"c": grey}))], tmp_path / "flat.npy") == []


def test_pairs_are_drawn_side_by_side():
    red, blue = (compress(Image.new("RGB", (20, 20), colour)) for colour in ("red", "blue"))
    copies = [NearCopy(0.01, "a", "b", 2, (red, blue))] * 3
    picture = np.asarray(Image.open(io.BytesIO(draw_near_copies(copies))).convert("RGB")).astype(int)
    reds, blues = (np.argwhere(picture[..., channel] - picture[..., 2 - channel] > 200) for channel in (0, 2))
    assert len(reds) == len(blues) == 3 * 240 * 240
    assert reds[:, 1].min() < blues[:, 1].min()
