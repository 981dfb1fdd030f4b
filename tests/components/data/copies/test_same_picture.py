import apache_beam as beam
import numpy as np
import pytest

from zfnet.components.data.copies.same_picture import LISTED_IDS, DuplicateImages, Occurrences
from zfnet.components.data.examples.shard import write_shard


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


def test_only_training_images_that_are_in_validation_leave_their_worker(tmp_path, monkeypatch):
    grouped = []
    add = Occurrences.add_input
    monkeypatch.setattr(Occurrences, "add_input", lambda self, found, place: grouped.append(place) or add(self, found, place))
    shards = [
        ("train", write(tmp_path / "0", {f"t{number}": b"%d" % number for number in range(1000)})),
        ("validation", write(tmp_path / "1", {f"v{number}": b"%d" % number for number in range(998, 1010)})),
    ]
    with beam.Pipeline(
        runner="FnApiRunner", options=beam.options.pipeline_options.PipelineOptions(["--direct_running_mode=in_memory"])
    ) as p:
        _ = p | beam.Create(shards) | DuplicateImages() | beam.Map(lambda anomaly: (tmp_path / anomaly["train"][0]).touch())
    assert (tmp_path / "t998").exists()
    assert (tmp_path / "t999").exists()
    assert sorted(id for split, id in grouped if split == "train") == ["t998", "t999"]
