import json

import pytest

from zfnet.components.artifacts import Examples
from zfnet.components.data.examples.shard import write_shard
from zfnet.components.data.sources.prepared import PreparedSource


@pytest.fixture
def prepared(tmp_path):
    """A prepared directory of two training shards for image size 96."""
    directory = tmp_path / "prepared"
    directory.mkdir()
    splits = {}
    for split, number in (("train", 2), ("validation", 1)):
        example = {"image": split.encode(), "label": 0, "class_name": "a", "id": "a", "photograph": "a", "box": [0, 0, 9, 9]}
        shards = [write_shard(directory / f"{split}-{index}", [example]) for index in range(number)]
        splits[split] = {"examples": number, "shards": [shard._asdict() for shard in shards]}
    (directory / "features.json").write_text("{}")
    (directory / "manifest.json").write_text(
        json.dumps({"name": "a", "image_size": 96, "side": 110, "labels": ["a"], "published": None, "rejected": 0, "splits": splits})
    )
    return directory


def test_everything_is_passed_on_unchanged(prepared, tmp_path):
    examples = Examples(tmp_path / "out")
    PreparedSource(str(prepared)).pass_on(examples, 96, None)
    before = {path.name: path.read_bytes() for path in prepared.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert examples.digest() == Examples(prepared).digest()
    assert (tmp_path / "out/train-0").samefile(prepared / "train-0")  # linked rather than copied


def test_files_are_copied_where_they_cannot_be_linked(prepared, tmp_path, monkeypatch):
    def no_link(source, target):
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr("os.link", no_link)
    PreparedSource(str(prepared)).pass_on(Examples(tmp_path / "out"), 96, 2)
    assert (tmp_path / "out/train-1").read_bytes() == (prepared / "train-1").read_bytes()
    assert not (tmp_path / "out/train-1").samefile(prepared / "train-1")


def test_another_image_size_is_an_error_that_says_which(prepared, tmp_path):
    with pytest.raises(ValueError, match="was prepared for --image-size 96, not 224"):
        PreparedSource(str(prepared)).pass_on(Examples(tmp_path / "out"), 224, None)
    assert not (tmp_path / "out").exists()


def test_another_number_of_shards_is_an_error(prepared, tmp_path):
    with pytest.raises(ValueError, match="has 2 training shards, not 5: leave --num-shards out"):
        PreparedSource(str(prepared)).pass_on(Examples(tmp_path / "out"), 96, 5)


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_directory_that_is_not_whole_is_an_error(prepared, tmp_path, damage):
    shard = prepared / "train-1"
    size = shard.stat().st_size
    if damage == "gone":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-3])
    with pytest.raises(ValueError, match=rf"train-1 has {0 if damage == 'gone' else size - 3} bytes, expected {size}"):
        PreparedSource(str(prepared)).pass_on(Examples(tmp_path / "out"), 96, None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", [0, 30, -1])
def test_a_file_that_was_altered_is_named(prepared, tmp_path, place):
    content = bytearray((prepared / "validation-0").read_bytes())
    content[place] ^= 1
    (prepared / "validation-0").write_bytes(content)
    with pytest.raises(ValueError, match=r"prepared/validation-0 is damaged: .* Copy the directory again, or prepare it again"):
        PreparedSource(str(prepared)).pass_on(Examples(tmp_path / "out"), 96, None)
    assert not (tmp_path / "out").exists()


def test_the_fingerprint_is_that_of_the_examples_wherever_they_lie(prepared, tmp_path):
    before = PreparedSource(str(prepared)).fingerprint()
    moved = prepared.rename(tmp_path / "moved")
    assert PreparedSource(str(moved)).fingerprint() == before
    (moved / "manifest.json").write_text((moved / "manifest.json").read_text().replace('"a"', '"b"'))
    assert PreparedSource(str(moved)).fingerprint() != before


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{", b"\xff\xfe", b'{"name": "photographs", "icons": []}'])
def test_a_manifest_of_something_else_is_an_error_that_names_it(prepared, content):
    (prepared / "manifest.json").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"prepared/manifest\.json is not the manifest of a prepared directory .*remove that file"
    ) as caught:
        PreparedSource(str(prepared))
    assert "\n" not in str(caught.value)


REMOTE = """
import sys
from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.prepared import PreparedSource

places = [sys.argv[1], "gs://photos/one", "gs://photos/two", sys.argv[2]]
for source, target in zip(places, places[1:]):
    PreparedSource(source).pass_on(Examples(target), 96, None)
"""


@pytest.mark.timeout(120)
def test_to_a_storage_within_it_and_back(prepared, tmp_path, in_cloud, fetch, open_bucket):
    in_cloud(REMOTE, str(prepared), str(tmp_path / "out"))
    before = {path.name: path.read_bytes() for path in prepared.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    for place in ("one/", "two/"):
        assert fetch(place) == before
        blobs = sorted(open_bucket().list_blobs(prefix=place), key=lambda blob: blob.generation)
        assert blobs[-1].name.endswith("manifest.json")
