import io

import apache_beam as beam
import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.examples.shard import write_shard
from zfnet.components.data.shard_transforms import LISTED_IDS, DuplicateImages, ImageStatistics, Occurrences


@pytest.fixture
def shards(tmp_path):
    """Two shards for training, one for validation, of 6 x 6 pixels; what training images hold, (5, 6, 6, 3)."""
    random = np.random.default_rng(0)

    def example(label):
        stored = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8)).save(stored, "JPEG", quality=95)
        return {"image": stored.getvalue(), "label": label, "class_name": "", "id": "", "photograph": "", "box": [0, 0, 6, 6]}

    contents = {
        "train-0": [example(0), example(2), example(2)],
        "train-1": [example(0), example(9)],
        "validation-0": [example(1), example(-1)],
    }
    for name, examples in contents.items():
        write_shard(tmp_path / name, examples)
    images = [example["image"] for name in ("train-0", "train-1") for example in contents[name]]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(image))) for image in images])
    return [(name.split("-")[0], str(tmp_path / name)) for name in contents], pixels


def test_the_statistics_are_those_of_numpy(shards):
    listed, pixels = shards
    combine = ImageStatistics(6, 3)
    parts = [combine.add_input(combine.create_accumulator(), shard) for shard in listed]
    found = combine.extract_output(combine.merge_accumulators(parts))
    assert found["mean_image"].dtype == np.float32
    np.testing.assert_allclose(found["mean_image"], pixels.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["channels"]["mean"], pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found["channels"]["std"], pixels.std(axis=(0, 1, 2)), rtol=1e-9)
    assert found["classes"] == {"train": [2, 0, 2], "validation": [0, 1, 0]}  # labels 9 and -1 name no class


def test_the_order_of_adding_does_not_matter(shards):
    listed, _ = shards
    combine = ImageStatistics(6, 3)
    one = combine.create_accumulator()
    for shard in listed:
        one = combine.add_input(one, shard)
    parts = [combine.add_input(combine.create_accumulator(), shard) for shard in reversed(listed)]
    parts.append(combine.create_accumulator())
    found, again = combine.extract_output(one), combine.extract_output(combine.merge_accumulators(parts))
    assert found.pop("mean_image").tobytes() == again.pop("mean_image").tobytes()
    assert found == again


def test_pictures_of_one_colour_deviate_by_nothing(tmp_path):
    stored = io.BytesIO()
    Image.new("RGB", (6, 6), (77, 77, 77)).save(stored, "JPEG", quality=95)
    example = {"image": stored.getvalue(), "label": 0, "class_name": "", "id": "", "photograph": "", "box": [0, 0, 6, 6]}
    write_shard(tmp_path / "shard", [example] * 7)
    combine = ImageStatistics(6, 1)
    found = combine.extract_output(combine.add_input(combine.create_accumulator(), ("train", str(tmp_path / "shard"))))
    assert found["channels"] == {"mean": [77.0] * 3, "std": [0.0] * 3}


def write(path, pictures: dict[str, bytes]) -> str:
    examples = [
        {"image": image, "label": 0, "class_name": "", "id": id, "photograph": id, "box": [0, 0, 1, 1]} for id, image in pictures.items()
    ]
    write_shard(path, examples)
    return str(path)


def test_only_what_is_in_both_splits_is_found(tmp_path):
    shards = [
        ("train", write(tmp_path / "0", {"a": b"one", "b": b"two"})),
        ("train", write(tmp_path / "1", {"c": b"two", "d": b"three"})),
        ("validation", write(tmp_path / "2", {"e": b"two", "f": b"four", "g": b"four"})),
    ]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        found = pipeline | beam.Create(shards) | DuplicateImages() | beam.combiners.ToList()
        _ = found | beam.Map(lambda listed: (tmp_path / "found").write_text(repr(listed)))
    message = "The same picture is in train (b, c) and in validation (e)."
    expected = [{"kind": "same_picture", "message": message, "train": ["b", "c"], "validation": ["e"]}]
    assert (tmp_path / "found").read_text() == repr(expected)


def test_a_picture_that_is_everywhere_takes_little(tmp_path):
    places = [("train", f"{number:05d}") for number in range(3000)] + [("validation", "x")]
    np.random.default_rng(0).shuffle(places)
    combine = Occurrences()
    parts = [combine.create_accumulator() for _ in range(7)]
    for number, (split, id) in enumerate(places):
        parts[number % 7] = combine.add_input(parts[number % 7], (str(split), str(id)))
        assert len(parts[number % 7]["train"][1]) <= LISTED_IDS
    found = combine.extract_output(combine.merge_accumulators(iter(parts)))
    assert found == {"train": (3000, ["00000", "00001", "00002", "00003", "00004"]), "validation": (1, ["x"])}


@pytest.mark.parametrize(("number", "expected"), [(5, "0, 1, 2, 3, 4)"), (1205, "0, 1, 10, 100, 1000 and 1,200 more)")])
def test_messages_stay_short(tmp_path, number, expected):
    shards = [
        ("train", write(tmp_path / "0", {str(n): b"one" for n in range(number)})),
        ("validation", write(tmp_path / "1", {"v": b"one"})),
    ]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        found = pipeline | beam.Create(shards) | DuplicateImages()
        _ = found | beam.Map(lambda anomaly: (tmp_path / "found").write_text(anomaly["message"]))
    assert (tmp_path / "found").read_text() == f"The same picture is in train ({expected} and in validation (v)."
