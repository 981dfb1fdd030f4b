"""Measures which near copies ExampleValidator finds, and how many pairs of different images it takes for copies.

Command: make bench BENCHMARKS=near_copies, or .venv/bin/python benchmarks/near_copies.py [--photographs FOLDER]
Writes benchmarks/near_copies.json, and from it a table in docs/data.md. Takes about a minute on two cores.
With --photographs, the photographs of a folder are changed as well, not only squares of those that come with the project.
"""

import argparse
import io
import pathlib
import tempfile

import apache_beam as beam
import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from report import commit, conditions, machine, markdown, seconds, versions, write

from zfnet.components.artifacts import Examples
from zfnet.components.data.copies.near_copies import NearCopies
from zfnet.components.data.examples.shard import write_shard
from zfnet.components.data.sources.patches import decode
from zfnet.components.data.sources.photo_patches import PhotoPatchesSource
from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.example_gen import generate_examples
from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph

NAME = "near_copies"
DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs" / "data.md"
SQUARE = 160  # side of a square of a photograph that comes with the project, in pixels
SIDE = 110  # side of a stored image, as `zfnet run` stores them
ALIKE = ("retina",)  # squares of its round edge, an arc on black, are mirror images of each other
LONGEST = 1600  # of a photograph of a folder, in pixels
RANDOM = np.random.default_rng(0)


def cut(image: Image.Image, share: float, central: bool = False) -> Image.Image:
    """A part of an image, `share` of its sides, in its middle or anywhere."""
    width, height = round(image.width * share), round(image.height * share)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    if not central:
        left, top = RANDOM.integers(0, image.width - width + 1), RANDOM.integers(0, image.height - height + 1)
    return image.crop((int(left), int(top), int(left) + width, int(top) + height))


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """The image, `factor` times as wide and as high."""
    return image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))), Image.Resampling.LANCZOS)


# Each change of an image, and the quality of the JPEG that is then stored.
CHANGES = {
    "compressed, JPEG quality 50": (lambda image: image, 50),
    "compressed, JPEG quality 30": (lambda image: image, 30),
    "scaled to a half": (lambda image: scaled(image, 0.5), 90),
    "enlarged to the double": (lambda image: scaled(image, 2), 90),
    "mirrored": (ImageOps.mirror, 90),
    "30 % darker": (lambda image: ImageEnhance.Brightness(image).enhance(0.7), 90),
    "30 % brighter, clipped": (lambda image: ImageEnhance.Brightness(image).enhance(1.3), 90),
    "central crop, 0.9 of the side": (lambda image: cut(image, 0.9, True), 90),
    "central crop, 0.8": (lambda image: cut(image, 0.8, True), 90),
    "any crop, 0.95": (lambda image: cut(image, 0.95), 90),
    "any crop, 0.9": (lambda image: cut(image, 0.9), 90),
    "any crop, 0.8": (lambda image: cut(image, 0.8), 90),
    "any crop, 0.7": (lambda image: cut(image, 0.7), 90),
    "any crop, 0.85, scaled to a half, quality 50": (lambda image: scaled(cut(image, 0.85), 0.5), 50),
}


def originals(folder: str | None) -> list[Image.Image]:
    """Squares of the photographs that come with the project, that do not overlap; and the photographs of a folder."""
    images = []
    for photograph in (decode(each) for each in PHOTOGRAPHS if each.name not in ALIKE):
        places = [
            (left, top)
            for top in range(0, photograph.height - SQUARE + 1, SQUARE)
            for left in range(0, photograph.width - SQUARE + 1, SQUARE)
        ]
        images += [photograph.crop((left, top, left + SQUARE, top + SQUARE)) for left, top in places]
    for path in sorted(pathlib.Path(folder).rglob("*")) if folder else []:
        try:
            prepare_photograph(path.read_bytes(), SIDE)
            image = Image.open(path).convert("RGBA")
        except (OSError, UnreadablePhotograph):  # a folder, or no photograph
            continue
        image.thumbnail((LONGEST, LONGEST))
        images.append(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))
    return images


def stored(image: Image.Image, quality: int) -> bytes:
    """The image as a JPEG file, and then as ExampleGen stores that file."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return prepare_photograph(file.getvalue(), SIDE)[0]


def near_copies(shards: list[tuple[str, str]], scratch: pathlib.Path) -> list[dict]:
    """The anomalies that ExampleValidator would report, without a limit."""
    path = str(scratch / "found.npy")
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        found = pipeline | beam.Create(shards) | beam.Reshuffle() | NearCopies() | beam.combiners.ToList()
        _ = found | beam.Map(lambda copies: np.save(path, [copy.anomaly for copy in copies]))
    return np.load(path, allow_pickle=True).tolist()


def measure_changes(folder: str | None, scratch: pathlib.Path) -> dict:
    """The share of changed images, by the change, that are found beside their originals; and the pairs that are no copies."""
    images = originals(folder)
    files = {"train": {f"{number:05d}": stored(image, 95) for number, image in enumerate(images)}, "validation": {}}
    for name, (change, quality) in CHANGES.items():
        files["validation"] |= {f"{number:05d} {name}": stored(change(image), quality) for number, image in enumerate(images)}
    for split, jpegs in files.items():
        empty = {"label": 0, "class_name": "", "photograph": "", "box": [0, 0, 1, 1]}
        write_shard(scratch / split, [{"id": id, "image": jpeg, **empty} for id, jpeg in jpegs.items()])
    pairs = [(copy["train"], *copy["validation"].split(" ", 1)) for copy in near_copies([(s, str(scratch / s)) for s in files], scratch)]
    found = {name: sum(train == number and change == name for train, number, change in pairs) / len(images) for name in CHANGES}
    return {"images": len(images), "found": found, "wrong_pairs": sum(train != number for train, number, _ in pairs)}


def measure_patches(scratch: pathlib.Path) -> dict:
    """Near copies among the patches of `zfnet run`, whose splits have no pixel in common, and the time that the search takes."""
    examples = Examples(scratch / "examples")
    settings = {"image_size": 96, "num_shards": None, "max_rejected": 0.0, "runner": "FnApiRunner", "beam_options": ()}
    generate_examples(examples, source=PhotoPatchesSource(), **settings)
    shards = [(split, path) for split in ("train", "validation") for path in examples.shards(split)]
    found: list[dict] = []
    took = seconds(lambda: found.extend(near_copies(shards, scratch)))
    return {"train": examples.count("train"), "validation": examples.count("validation"), "wrong_pairs": len(found), "seconds": took}


def table(result: dict) -> str:
    """The result as Markdown."""
    changes, patches = result["changes"], result["patches"]
    rows = [[name, f"{share:.0%}"] for name, share in changes["found"].items()]
    words = f"\n{changes['images']} images, each changed in every way; {changes['wrong_pairs']} pairs of different images were reported. "
    words += (
        f"Among the {patches['train']:,} training and {patches['validation']:,} validation patches of `zfnet run`, whose splits have no "
    )
    words += f"pixel in common, {patches['wrong_pairs']} pairs were reported; the search took {patches['seconds']:.1f} s.\n"
    return markdown(["change", "found"], rows) + words + conditions(result)


def main() -> None:
    """Measures, and writes the result and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", help="a folder of photographs")
    with tempfile.TemporaryDirectory() as scratch:
        result = {
            "command": f"python benchmarks/{NAME}.py",
            "commit": commit(),
            "machine": machine(),
            "versions": versions("apache-beam", "numpy", "pillow", "scipy"),
            "changes": measure_changes(parser.parse_args().photographs, pathlib.Path(scratch)),
            "patches": measure_patches(pathlib.Path(scratch)),
        }
    write(NAME, result, table(result), DOCUMENT)
    print(table(result))


if __name__ == "__main__":
    main()
