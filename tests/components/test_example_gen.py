import io
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.data.sources.photographs import PHOTOGRAPHS
from zfnet.components.example_gen import generate_examples


def picture(height: int, width: int, hue: int = 0) -> Image.Image:
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return Image.fromarray(np.stack([200 * rows, 200 * columns, np.full_like(rows, hue)], -1).astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of 12 readable photographs each, of many kinds, and six that cannot be read."""
    root = tmp_path_factory.mktemp("data") / "pets"
    cats, dogs = root / "cat", root / "개"
    cats.mkdir(parents=True)
    dogs.mkdir()
    for i in range(12):
        picture(30 + i, 41, 20 * i).save(dogs / f"{i}.{('jpg', 'png', 'webp', 'bmp')[i % 4]}")
    for i in range(4):
        picture(50, 30 + i, 20 * i).save(cats / f"{i}.jpg", quality=90)
    picture(40, 60).convert("CMYK").save(cats / "cmyk.jpg")
    picture(40, 60).convert("L").save(cats / "grey.png")
    picture(40, 60).convert("P").save(cats / "palette.png")
    picture(40, 60).convert("RGBA").save(cats / "alpha.png")
    picture(40, 60).save(cats / "png_called.JPEG", "PNG")
    picture(40, 60).save(cats / "gif.gif")
    picture(40, 60).save(cats / "tiff.tif")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(40, 60).save(cats / "turned.jpg", exif=exif)
    (cats / "text.jpg").write_text("no photograph")
    (cats / "empty.jpg").touch()
    (cats / "half.jpg").write_bytes((cats / "0.jpg").read_bytes()[:600])
    (cats / "half.png").write_bytes((cats / "grey.png").read_bytes()[:100])
    (cats / "folder.jpg").mkdir()
    (cats / "link.jpg").symlink_to("nowhere")
    return root


def generate(data, out, *, num_shards=None, max_rejected=0.5, image_size=28, beam_options=(), downloads="downloads", **more) -> Examples:
    examples = Examples(out)
    generate_examples(
        examples,
        source=open_source(str(data), downloads),
        image_size=image_size,
        num_shards=num_shards,
        max_rejected=max_rejected,
        runner="FnApiRunner",
        beam_options=beam_options,
        **more,
    )
    return examples


def read(examples: Examples, split: str) -> list[dict]:
    return [example for path in examples.shards(split) for example in read_shard(path)]


@pytest.fixture(scope="module")
def examples(folder, tmp_path_factory):
    return generate(folder, tmp_path_factory.mktemp("examples") / "pets", num_shards=3)


def test_every_readable_photograph_is_stored_once(folder, examples):
    stored = {example["id"]: example for split in ("train", "validation") for example in read(examples, split)}
    assert len(stored) == 24 == examples.count("train") + examples.count("validation")
    assert examples.labels == ["cat", "개"]
    for id, example in stored.items():
        assert example["label"] == examples.labels.index(id.split("/")[0])
        assert example["photograph"] == id
        with Image.open(io.BytesIO(example["image"])) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (32, 32))
    assert stored["cat/turned.jpg"]["box"] == [10, 0, 50, 40]
    assert stored["cat/cmyk.jpg"]["box"] == [0, 10, 40, 50]
    assert stored["개/3.bmp"]["box"] == [0, 4, 33, 37]


def test_both_splits_have_both_classes(examples):
    for split in ("train", "validation"):
        assert {example["label"] for example in read(examples, split)} == {0, 1}


def test_what_cannot_be_read_is_listed_with_its_reason(folder, examples):
    rejected = [json.loads(line) for line in (examples.path / "rejected.jsonl").read_text().splitlines()]
    assert [entry["id"] for entry in rejected] == [
        f"cat/{name}" for name in ("empty.jpg", "folder.jpg", "half.jpg", "half.png", "link.jpg", "text.jpg")
    ]
    assert rejected[0] == {"id": "cat/empty.jpg", "reason": "the file is empty", "source": str(folder / "cat/empty.jpg")}
    assert "runcated" in rejected[2]["reason"]
    assert examples.read_json("manifest.json")["rejected"] == 6


def test_empty_classes_are_told(folder, tmp_path, capsys):
    for name in ("cat", "개"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (40, 40), (number, 0, 0)).save(tmp_path / "pets" / name / f"{number}.png")
    generate(tmp_path / "pets", tmp_path / "full")
    assert capsys.readouterr() == ("", "")
    (tmp_path / "pets/nothing").mkdir()
    (tmp_path / "pets/broken").mkdir()
    (tmp_path / "pets/broken/1.jpg").write_bytes(b"")
    examples = generate(tmp_path / "pets", tmp_path / "out")
    out, told = capsys.readouterr()
    assert (out, told.count("\n")) == ("", 1)
    assert "2 classes are empty: they have no photograph that can be read (broken, nothing)" in told
    assert examples.labels == ["broken", "cat", "nothing", "개"]
    # One split alone does not tell whether a class is empty.
    generate(tmp_path / "pets", tmp_path / "half", splits=("validation",), max_rejected=1)
    assert capsys.readouterr().err == ""


def test_choices_of_the_source_are_told(folder, tmp_path, capsys):
    for split in ("train", "val", "test"):
        for name in ("cat", "dog"):
            (tmp_path / "pets" / split / name).mkdir(parents=True)
            Image.new("RGB", (40, 40), "red").save(tmp_path / "pets" / split / name / "1.png")
    examples = generate(tmp_path / "pets", tmp_path / "out")
    assert "pets has test/ beside train/, val/: not used." in capsys.readouterr().err
    assert (examples.count("train"), examples.count("validation")) == (2, 2)


def test_the_manifest_says_what_is_there(folder, examples):
    manifest = examples.read_json("manifest.json")
    assert {name: manifest[name] for name in ("name", "image_size", "side", "labels", "source")} == {
        "name": "pets",
        "image_size": 28,
        "side": 32,
        "labels": ["cat", "개"],
        "source": str(folder),
    }
    listed = [shard["file"] for split in manifest["splits"].values() for shard in split["shards"]]
    written = {file.name for file in examples.files()}
    assert written == {*listed, "manifest.json", "rejected.jsonl", "dataset_info.json", "features.json", "label.labels.txt"}
    assert listed[0] == "pets-train.tfrecord-00000-of-00003"
    for split in manifest["splits"].values():
        assert sum(shard["examples"] for shard in split["shards"]) == split["examples"]
        for shard in split["shards"]:
            assert len((examples.path / shard["file"]).read_bytes()) == shard["bytes"]


def test_tfds_reads_it(examples):
    builder = tfds.builder_from_directory(examples.path)
    assert builder.info.features["label"].names == ["cat", "개"]
    sequential = tfds.ReadConfig(interleave_cycle_length=1)
    found = list(builder.as_dataset(split="train", read_config=sequential).as_numpy_iterator())
    expected = read(examples, "train")
    assert [example["id"].decode() for example in found] == [example["id"] for example in expected]
    assert [example["box"].tolist() for example in found] == [example["box"] for example in expected]
    assert found[0]["image"].shape == (32, 32, 3)
    half, rest = (
        list(builder.as_dataset(split=part, read_config=sequential).as_numpy_iterator()) for part in ("train[:50%]", "train[50%:]")
    )
    assert [example["id"] for example in half + rest] == [example["id"] for example in found]
    assert abs(len(half) - len(rest)) <= 1
    images, labels = builder.as_dataset(split="validation", as_supervised=True, batch_size=-1)
    assert images.shape == (examples.count("validation"), 32, 32, 3)
    assert labels.shape == (examples.count("validation"),)


def test_the_same_bytes_whatever_the_workers(folder, examples, tmp_path):
    expected = examples.digest()
    for name, options in {
        "one": ("--direct_num_workers=1",),
        "three": ("--direct_num_workers=3",),
        "in memory": ("--direct_running_mode=in_memory",),
    }.items():
        assert generate(folder, tmp_path / name, num_shards=3, beam_options=options).digest() == expected


def test_more_shards_than_photographs_are_read_by_tfds_too(folder, tmp_path):
    examples = generate(folder, tmp_path / "many", num_shards=1000)
    counts = [shard["examples"] for shard in examples.read_json("manifest.json")["splits"]["train"]["shards"]]
    assert 0 in counts
    assert sum(counts) == examples.count("train")
    assert len(list(tfds.builder_from_directory(examples.path).as_dataset(split="train"))) == examples.count("train")


def test_too_many_unreadable_photographs_are_an_error(folder, tmp_path):
    reasons = r"cat/empty.jpg: the file is empty; .*, \.\.\.\): repair or remove them"
    message = rf"6 of the 30 photographs of .*pets cannot be read, more than the share 0.19.*{reasons}"
    with pytest.raises(ValueError, match=message):
        generate(folder, tmp_path / "out", max_rejected=0.19)
    assert not (tmp_path / "out/manifest.json").exists()
    assert generate(folder, tmp_path / "again", max_rejected=0.2).count("train")


def test_a_split_without_photographs_is_an_error(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        picture(20, 30).save(tmp_path / "data" / name / "1.png")
    with pytest.raises(ValueError, match=r"The validation split of .* has no photograph that can be read"):
        generate(tmp_path / "data", tmp_path / "out")
    assert not (tmp_path / "out/manifest.json").exists()


def test_one_split_alone(folder, examples, tmp_path):
    alone = generate(folder, tmp_path / "alone", num_shards=3, splits=("validation",))
    whole, part = (made.read_json("manifest.json")["splits"] for made in (examples, alone))
    assert part == {"validation": whole["validation"]}
    assert not [file for file in alone.files() if "-train." in file.name]
    assert set(tfds.builder_from_directory(alone.path).info.splits) == {"validation"}


def test_what_dead_workers_left_is_removed(folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/pets-train.tfrecord-00000-of-00001.0123.partial").write_bytes(b"half")
    generate(folder, tmp_path / "out", num_shards=1)
    assert list((tmp_path / "out").glob("*.partial")) == []


def test_prepared_examples_are_passed_on(examples, tmp_path):
    assert generate(examples.path, tmp_path / "again").digest() == examples.digest()
    with pytest.raises(ValueError, match="prepared for --image-size 28, not 56"):
        generate(examples.path, tmp_path / "other", image_size=56)


def test_photo_patches_keep_their_photograph_and_box(tmp_path):
    examples = generate("photo_patches", tmp_path / "out", downloads=tmp_path / "downloads")
    assert examples.labels == [photograph.name for photograph in PHOTOGRAPHS]
    assert (examples.count("train"), examples.count("validation"), examples.read_json("manifest.json")["rejected"]) == (3000, 750, 0)
    widths = {}
    for photograph in PHOTOGRAPHS:
        with Image.open(io.BytesIO(photograph.read())) as image:
            widths[photograph.name] = image.width
    for split in ("train", "validation"):
        ids = set()
        for example in read(examples, split):
            name, of, _ = example["id"].split("/")
            assert (of, example["photograph"], examples.labels[example["label"]]) == (split, name, name)
            _, left, _, right = example["box"]
            assert right <= 0.7 * widths[name] if split == "train" else left >= int(0.7 * widths[name])
            ids.add(example["id"])
        assert len(ids) == examples.count(split)
