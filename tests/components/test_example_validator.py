import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zfnet.components.artifacts import Anomalies, Examples, Statistics
from zfnet.components.data.examples.shard import write_shard
from zfnet.components.data.sources.folder import FolderSource
from zfnet.components.example_gen import generate_examples
from zfnet.components.example_validator import (
    LISTED,
    check_anomalies,
    validate_examples,
)
from zfnet.components.statistics_gen import generate_statistics

SETTINGS = {"runner": "FnApiRunner", "beam_options": ()}


def fill(root, numbers: dict[str, int]) -> None:
    """Writes so many different pictures into each folder."""
    random = np.random.default_rng(len(numbers))
    for name, number in numbers.items():
        (root / name).mkdir(parents=True)
        for i in range(number):
            Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(root / name / f"{i}.png")


class WellKnownFolder(FolderSource):
    """A folder that ought to hold 22 photographs for training and 3 for validation."""

    published = {"train": 22, "validation": 3}  # noqa: RUF012


def validate(root, examples: Examples, tensorboard: str | None = None) -> list[dict]:
    statistics, anomalies = Statistics(root / "statistics"), Anomalies(root / "anomalies")
    generate_statistics(examples, statistics, **SETTINGS)
    validate_examples(examples, statistics, anomalies, tensorboard=tensorboard, **SETTINGS)
    return anomalies.read_json("anomalies.json")


def generate(root, kind: type[FolderSource] = FolderSource) -> Examples:
    examples = Examples(root / "examples")
    source = kind(str(root / "data"))
    generate_examples(examples, source=source, image_size=14, num_shards=3, max_rejected=0.5, **SETTINGS)
    return examples


def test_nothing_is_reported_of_good_examples(tmp_path):
    fill(tmp_path / "data", {"train/a": 10, "train/b": 12, "validation/a": 1, "validation/b": 2})
    assert validate(tmp_path, generate(tmp_path)) == []


def test_classes_without_and_with_few_examples(tmp_path):
    numbers = {"train/good": 10, "train/tiny": 9, "train/only_train": 11, "train/empty": 0, "validation/good": 1, "validation/tiny": 1}
    fill(tmp_path / "data", {**numbers, "validation/only_validation": 2})
    (tmp_path / "data/train/empty/0.jpg").write_text("no photograph")
    assert validate(tmp_path, generate(tmp_path)) == [
        {"kind": "empty_class", "message": "The class empty has no examples.", "class": "empty"},
        {
            "kind": "missing_from_split",
            "message": "The class only_train has no examples in validation.",
            "class": "only_train",
            "split": "validation",
        },
        {
            "kind": "missing_from_split",
            "message": "The class only_validation has no examples in train.",
            "class": "only_validation",
            "split": "train",
        },
        {"kind": "tiny_class", "message": "The class tiny has only 9 examples for training.", "class": "tiny", "examples": 9},
    ]


def test_the_same_picture_in_both_splits(tmp_path):
    fill(tmp_path / "data", {"train/a": 10, "train/b": 10, "validation/a": 3, "validation/b": 3})
    data = tmp_path / "data"
    shutil.copy(data / "train/a/3.png", data / "validation/b/planted.png")
    shutil.copy(data / "train/a/3.png", data / "train/a/twin.png")
    shutil.copy(data / "train/b/1.png", data / "train/b/twice_in_one_split.png")
    with Image.open(data / "train/b/7.png") as image:
        image.save(data / "validation/a/other_file_same_pixels.bmp")
    with Image.open(data / "train/b/8.png") as image:
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "stored by another program")
        image.save(data / "validation/a/other_compression.png", compress_level=0, pnginfo=text)
    with Image.open(data / "train/b/9.png") as image:
        image.save(data / "validation/a/compressed_anew.jpg", quality=95)
    found = [(["a/3", "a/twin"], "b/planted.png"), (["b/7"], "a/other_file_same_pixels.bmp"), (["b/8"], "a/other_compression.png")]
    expected = []
    for train, validation in found:
        ids, other = [f"train/{id}.png" for id in train], f"validation/{validation}"
        message = f"The same picture is in train ({', '.join(ids)}) and in validation ({other})."
        expected.append({"kind": "same_picture", "message": message, "train": ids, "validation": [other]})
    *same, near = validate(tmp_path, generate(tmp_path))
    assert same == expected
    pair = {"kind": "near_copy", "train": "train/b/9.png", "validation": "validation/a/compressed_anew.jpg"}
    assert {name: near[name] for name in pair} == pair
    assert near["distance"] <= 8
    assert near["correlation"] >= 0.88
    assert np.asarray(Image.open(Anomalies(tmp_path / "anomalies").near_copies)).std() > 20


def test_wrong_number_of_examples(tmp_path):
    fill(tmp_path / "data", {"train/a": 10, "train/b": 12, "validation/a": 1, "validation/b": 2})
    assert validate(tmp_path, generate(tmp_path, WellKnownFolder)) == []
    (tmp_path / "data/train/b/4.png").write_bytes(b"")
    shutil.rmtree(tmp_path / "examples")
    data = tmp_path / "data"
    message = f"21 examples in train, but {data} has 22 (photographs rejected in all splits: 1)."
    expected = {"kind": "wrong_number_of_examples", "message": message, "split": "train", "examples": 21, "published": 22}
    assert validate(tmp_path, generate(tmp_path, WellKnownFolder)) == [expected]


def test_of_each_kind_some_are_listed_and_the_rest_counted(tmp_path):
    more = LISTED + 7
    fill(tmp_path / "data", {f"train/{number:04d}": 1 for number in range(more)} | {"validation/0000": 1})
    for number in range(more):
        shutil.copytree(tmp_path / f"data/train/{number:04d}", tmp_path / f"data/validation/{number:04d}", dirs_exist_ok=True)
    found = validate(tmp_path, generate(tmp_path))
    kinds = ["tiny_class"] * (LISTED + 1) + ["same_picture"] * (LISTED + 1)
    assert [anomaly["kind"] for anomaly in found] == kinds
    assert found[LISTED] == {"kind": "tiny_class", "message": "7 more anomalies of kind tiny_class are not listed.", "more": 7}
    assert found[LISTED - 1]["class"] == f"{LISTED - 1:04d}"
    assert found[-1] == {"kind": "same_picture", "message": "7 more anomalies of kind same_picture are not listed.", "more": 7}
    assert found[-2]["train"] == [f"train/{LISTED - 1:04d}/0.png"]


def test_counts_and_anomalies_in_tensorboard(tmp_path):
    fill(tmp_path / "data", {"train/a": 10, "train/b": 1, "validation/a": 1, "validation/b": 2})
    (tmp_path / "data/train/a/line\u2028separator.png").write_bytes(b"")
    validate(tmp_path, generate(tmp_path), str(tmp_path / "logs"))
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    counts, anomalies = (events.Tensors(f"examples/{name}")[0].tensor_proto.string_val[0].decode() for name in ("counts", "anomalies"))
    assert "| train | 11 | 2 | b (1) | a (10) |" in counts
    assert counts.endswith("| 1 | the file is empty |")
    assert anomalies == "- The class b has only 1 example for training."


def test_labels_that_name_no_class(tmp_path):
    random = np.random.default_rng(0)

    def example(number, label):
        stored = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(stored, "JPEG")
        return {
            "image": stored.getvalue(),
            "label": label,
            "class_name": "",
            "id": str(number),
            "photograph": str(number),
            "box": [0, 0, 8, 8],
        }

    labels = {"train": [0] * 10 + [1] * 10 + [2, 7], "validation": [0, 1, -1]}
    examples = Examples(tmp_path / "examples")
    examples.path.mkdir()
    splits = {}
    for split, listed in labels.items():
        shard = write_shard(examples.path / split, [example(i, label) for i, label in enumerate(listed)])
        splits[split] = {"examples": shard.examples, "shards": [shard._asdict()]}
    (examples.path / "manifest.json").write_text(
        json.dumps(
            {
                "side": 8,
                "labels": ["a", "b"],
                "splits": splits,
                "published": {"train": 25, "validation": 3},
                "rejected": 1,
                "source": "known",
            }
        )
    )
    assert validate(tmp_path, examples) == [
        {"kind": "label_out_of_range", "message": "2 examples in train have a label outside 0 to 1.", "split": "train", "examples": 2},
        {
            "kind": "label_out_of_range",
            "message": "1 example in validation has a label outside 0 to 1.",
            "split": "validation",
            "examples": 1,
        },
        {
            "kind": "wrong_number_of_examples",
            "message": "22 examples in train, but known has 25 (photographs rejected in all splits: 1).",
            "split": "train",
            "examples": 22,
            "published": 25,
        },
    ]


@pytest.mark.parametrize("options", [("--direct_num_workers=1",), ("--direct_num_workers=3",)])
def test_the_same_report_whatever_the_workers(tmp_path, options):
    fill(tmp_path / "data", {"train/a": 4, "train/b": 4, "validation/a": 3, "validation/b": 3})
    for i in range(3):
        shutil.copy(tmp_path / f"data/train/a/{i}.png", tmp_path / f"data/validation/b/copy_{i}.png")
    examples = generate(tmp_path)
    expected = validate(tmp_path, examples)
    assert [anomaly["kind"] for anomaly in expected] == ["tiny_class"] * 2 + ["same_picture"] * 3
    again = Anomalies(tmp_path / "again")
    validate_examples(examples, Statistics(tmp_path / "statistics"), again, runner="FnApiRunner", beam_options=options)
    assert again.read_json("anomalies.json") == expected


def test_anomaly_is_refused(tmp_path):
    (tmp_path / "anomalies.json").write_text(json.dumps([{"kind": "tiny_class", "message": "Class cat has 1 example."}]))
    with pytest.raises(ValueError, match=r"1 anomalies, see .*anomalies.json. The first: Class cat has 1 example. Without --strict"):
        check_anomalies(Anomalies(tmp_path))


def test_nothing_suspicious_passes(tmp_path):
    (tmp_path / "anomalies.json").write_text("[]")
    check_anomalies(Anomalies(tmp_path))


def paint(root, numbers: dict[str, int], brightest: dict[str, int], size=(30, 30)) -> None:
    """Writes photographs whose grey levels reach up to `brightest` of their class."""
    random = np.random.default_rng(5)
    for name, number in numbers.items():
        (root / name).mkdir(parents=True)
        for i in range(number):
            Image.fromarray(random.integers(0, brightest[name.split("/")[1]], (*size, 3), np.uint8)).save(root / name / f"{i}.png")


def test_a_dark_class(tmp_path):
    numbers = {f"{split}/{name}": number for name in "abc" for split, number in (("train", 12), ("validation", 2))}
    paint(tmp_path / "data", numbers, {"a": 256, "b": 70, "c": 200})
    (found,) = validate(tmp_path, generate(tmp_path))
    assert (found["kind"], found["class"]) == ("dark_class", "b")
    assert found["message"].startswith("The class b is dark: its mean grey level is 3")
    assert 25 < found["mean"] < 45
    assert found["brightest"] < 90


@pytest.mark.parametrize("brightest", [{"a": 256, "b": 150, "c": 200}, {"a": 256, "b": 256, "c": 256}])
def test_a_class_that_is_a_little_darker_is_no_anomaly(tmp_path, brightest):
    numbers = {f"{split}/{name}": number for name in "abc" for split, number in (("train", 12), ("validation", 2))}
    paint(tmp_path / "data", numbers, brightest)
    assert validate(tmp_path, generate(tmp_path)) == []


def test_stars_in_the_night_are_no_dark_class(tmp_path):
    numbers = {f"{split}/{name}": number for name in "ab" for split, number in (("train", 12), ("validation", 2))}
    paint(tmp_path / "data", numbers, {"a": 256, "b": 60})
    for file in sorted((tmp_path / "data/train/b").iterdir()):
        pixels = np.array(Image.open(file))
        pixels[10:14, 10:14] = 255
        Image.fromarray(pixels).save(file)
    assert validate(tmp_path, generate(tmp_path)) == []


@pytest.mark.parametrize(("small", "expected"), [(6, 0), (7, 1)])
def test_most_photographs_are_enlarged(tmp_path, small, expected):
    brightest = {"a": 256, "b": 256}
    paint(tmp_path / "data", {"train/a": small, "train/b": small, "validation/a": 2, "validation/b": 2}, brightest, (12, 40))
    paint(tmp_path / "large", {"train/a": 12 - small, "train/b": 12 - small}, brightest, (50, 40))
    for name in "ab":
        for file in (tmp_path / "large/train" / name).iterdir():
            file.rename(tmp_path / f"data/train/{name}/large_{file.name}")
    found = validate(tmp_path, generate(tmp_path))
    assert len(found) == expected
    if expected:
        message = (
            "58% of the training photographs are enlarged: their shorter side is less than the 16 pixels that are stored (median 12). "
        )
        message += "Enlarging adds no detail. Use --image-size 10, or larger photographs."
        assert found == [{"kind": "enlarged", "message": message, "enlarged": 7 / 12, "median": 12, "side": 16}]
        assert round(10 * 8 / 7) <= 12 < round(11 * 8 / 7)
