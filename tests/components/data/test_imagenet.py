"""ImageNet as it is downloaded: the real builder of TFDS on archives of the same layout with a few photographs each."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.data.sources.tfds import TfdsSource
from zfnet.components.example_gen import generate_examples

SYNSETS = {"n01440764": 0, "n01443537": 1, "n15075141": 999}


def photograph(shade: int) -> bytes:
    stored = io.BytesIO()
    Image.fromarray(np.full((30, 40, 3), shade, np.uint8)).save(stored, "JPEG")
    return stored.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    """TFDS's directory with the two archives where it expects files that were fetched by hand."""
    root = tmp_path_factory.mktemp("tfds")
    manual = root / "downloads/manual"
    manual.mkdir(parents=True)
    with tarfile.open(manual / "ILSVRC2012_img_train.tar", "w") as train:
        for synset, label in SYNSETS.items():
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as archive:
                for number in range(4):
                    add(archive, f"{synset}_{number}.JPEG", photograph(label % 200 + number))
            add(train, f"{synset}.tar", inner.getvalue())
    with tarfile.open(manual / "ILSVRC2012_img_val.tar", "w") as validation:
        for number in (1, 2, 3):
            add(validation, f"ILSVRC2012_val_{number:08d}.JPEG", photograph(number))
    return root


def test_synsets_are_sorted_and_in_every_record(downloads, tmp_path):
    examples = Examples(tmp_path / "examples")
    source = open_source("imagenet2012", downloads)
    assert isinstance(source, TfdsSource)
    assert (len(source.labels), source.labels) == (1000, sorted(source.labels))
    assert source.published == {"train": 1_281_167, "validation": 50_000}
    generate_examples(examples, source=source, image_size=14, num_shards=2, max_rejected=0.0, runner="FnApiRunner", beam_options=())
    train = [one for shard in examples.shards("train") for one in read_shard(shard)]
    assert sorted((one["class_name"], one["label"]) for one in train) == sorted(4 * list(SYNSETS.items()))
    validation = [one for shard in examples.shards("validation") for one in read_shard(shard)]
    # The first three lines of the development kit's list, in ImageNet's public numbering of synsets.
    assert [one["class_name"] for one in sorted(validation, key=lambda one: shade(one["image"]))] == ["n01751748", "n09193705", "n02105855"]


def shade(encoded: bytes) -> int:
    with Image.open(io.BytesIO(encoded)) as image:
        return image.getpixel((0, 0))[0]
