import ast
import http.server
import io
import os
import pathlib
import threading

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_datasets as tfds
from etils import epath
from PIL import Image

from zfnet.components.data.beam.pipeline import open_pipeline
from zfnet.components.data.sources.tfds import TfdsSource

SPLITS = {"three": {"train": 60, "validation": 4, "test": 3}, "no_validation": {"train": 10, "test": 3}, "train_alone": {"train": 10}}


SPLITS["no_train"] = {"validation": 4, "test": 3}


class PlainColours(tfds.core.GeneratorBasedBuilder):
    """Pictures of one colour, whose class is their number modulo 3; made for these tests."""

    VERSION = tfds.core.Version("1.2.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in SPLITS]  # noqa: RUF012  TFDS wants a list
    code_path = epath.Path(__file__)

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["red", "green", "blue"]),
            "shade": tfds.features.ClassLabel(num_classes=2),
            "note": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split, number) for split, number in SPLITS[self.builder_config.name].items()}

    def _generate_examples(self, split, number):
        for i in range(number):
            yield i, {"image": np.full((8, 12, 3), 4 * i, np.uint8), "label": i % 3, "shade": 0, "note": split}


class Downloaded(PlainColours):
    """The same as a file to download, from an address in the environment; made for these tests."""

    def _split_generators(self, dl_manager):
        dl_manager.download(os.environ["DOWNLOADED_FROM"])
        return super()._split_generators(dl_manager)


class NoPictures(tfds.core.GeneratorBasedBuilder):
    """A data set without images; made for these tests."""

    VERSION = tfds.core.Version("1.0.0")
    code_path = epath.Path(__file__)

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({"label": tfds.features.ClassLabel(num_classes=2)}))

    def _split_generators(self, dl_manager):
        return {}

    def _generate_examples(self):
        yield from ()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    tfds.disable_progress_bar()
    return tmp_path_factory.mktemp("downloads")


def read(source: TfdsSource, outcome: pathlib.Path, num_shards: int | None = None) -> dict:
    """What comes through Beam: `{(split, index, number): [(id, label, origin, grey level)]}`."""
    with open_pipeline("FnApiRunner") as pipeline:
        planned = source.plan(pipeline, num_shards)
        listed = planned | beam.Map(lambda shard, read: (shard[0], [_told(photograph) for photograph in read(shard[1])]), source.read)
        _ = listed | beam.combiners.ToList() | beam.Map(lambda shards: outcome.write_text(repr(shards)))
    return dict(ast.literal_eval(outcome.read_text()))


def _told(photograph):
    with Image.open(io.BytesIO(photograph.read())) as image:
        assert (image.format, image.size) == ("PNG", (12, 8))  # undecoded, as TFDS stores it
        return photograph.id, photograph.label, photograph.origin, image.getpixel((0, 0))[0]


def test_every_example_comes_once_and_with_its_class(downloads, tmp_path):
    several_files = tfds.download.DownloadConfig(num_shards=3)
    tfds.builder("plain_colours/three", data_dir=downloads).download_and_prepare(download_config=several_files)
    source = TfdsSource("plain_colours/three", downloads)
    assert source.labels == ["red", "green", "blue"]
    found = read(source, tmp_path / "outcome", 3)
    assert sorted(found) == [("train", 0, 3), ("train", 1, 3), ("train", 2, 3), ("validation", 0, 1)]
    assert [len(found["train", index, 3]) for index in range(3)] == [20, 20, 20]
    train = [photograph for index in range(3) for photograph in found["train", index, 3]]
    assert sorted(grey for _, _, _, grey in train) == [4 * i for i in range(60)]
    assert all(label == grey // 4 % 3 for _, label, _, grey in train)
    assert len({id for id, *_ in train}) == 60
    assert train[0][0] == "plain_colours-train.tfrecord-00000-of-00003__0"
    files = [id.split("__")[0] for id, *_ in train]
    assert files == sorted(files)  # file after file
    assert len(set(files)) == 3
    assert {origin for _, _, origin, _ in train} == {"plain_colours/three/1.2.0"}
    # The order is TFDS's whatever the number of shards.
    assert train == read(source, tmp_path / "outcome", 1)["train", 0, 1]


def test_validation_is_validation_else_test_else_a_fifth_of_train(downloads, tmp_path):
    def sizes(config):
        found = read(TfdsSource(f"plain_colours/{config}", downloads), tmp_path / "outcome")
        return {split: [id for id, *_ in photographs] for (split, _, _), photographs in found.items()}

    three, no_validation, train_alone = sizes("three"), sizes("no_validation"), sizes("train_alone")
    assert [len(three[split]) for split in ("train", "validation")] == [60, 4]
    assert [len(no_validation[split]) for split in ("train", "validation")] == [10, 3]
    assert "-test." in no_validation["validation"][0]
    assert [len(train_alone[split]) for split in ("train", "validation")] == [8, 2]
    assert not set(train_alone["train"]) & set(train_alone["validation"])


@pytest.mark.parametrize(
    ("splits", "train", "validation"),
    [("train[:10%]", 6, 4), ("train[:40],train[50:]", 40, 10), ("validation+train[-8:],test", 12, 3)],
)
def test_splits_in_the_words_of_tfds(downloads, tmp_path, splits, train, validation):
    source = TfdsSource(f"plain_colours/three@{splits}", downloads)
    found = read(source, tmp_path / "outcome", 2)
    shades = {split: [one[3] for key in sorted(found) if key[0] == split for one in found[key]] for split in ("train", "validation")}
    builder = tfds.builder("plain_colours/three", data_dir=downloads)
    for split, words, number in zip(shades, (*splits.split(","), "validation"), (train, validation), strict=False):
        by_tfds = builder.as_dataset(split=words, read_config=tfds.ReadConfig(interleave_cycle_length=1)).as_numpy_iterator()
        assert shades[split] == [example["image"][0, 0, 0] for example in by_tfds]
        assert len(shades[split]) == number
    assert source.fingerprint() != TfdsSource("plain_colours/three", downloads).fingerprint()


def test_without_a_validation_split_a_fifth_of_what_is_for_training_is_held_out(downloads, tmp_path):
    found = read(TfdsSource("plain_colours/train_alone@train[:50%]", downloads), tmp_path / "outcome")
    assert [len(found[split, 0, 1]) for split in ("train", "validation")] == [4, 1]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ("train,train[50%:]", r"share examples of train: expected other ones .*@train\[:80%\],train\[80%:\]"),
        ("validation", "share examples of validation"),
        ("trian", r"does not know the split 'trian'.*there are train, validation, test"),
        ("train[:0]", r"split 'train\[:0\]' of plain_colours has no examples"),
        ("train[:x]", "does not know the split"),
    ],
)
def test_splits_that_cannot_be(downloads, tmp_path, splits, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(TfdsSource(f"plain_colours/three@{splits}", downloads), tmp_path / "outcome")
    assert "\n" not in str(caught.value)


def test_a_data_set_without_training_examples_is_an_error(downloads, tmp_path):
    with pytest.raises(ValueError, match=r"has the splits .*: expected one called train"):
        read(TfdsSource("plain_colours/no_train", downloads), tmp_path / "outcome")


def test_the_environment_may_say_where_data_sets_lie(downloads, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "there"))
    read(TfdsSource("plain_colours/train_alone", downloads / "here"), tmp_path / "outcome")
    assert (tmp_path / "there/plain_colours/train_alone/1.2.0").is_dir()
    assert not (downloads / "here").exists()


def test_the_fingerprint_names_configuration_and_version(downloads):
    assert TfdsSource("plain_colours", downloads).fingerprint() == "tfds:plain_colours/three/1.2.0"
    assert TfdsSource("plain_colours/train_alone:1.2.0", downloads).fingerprint() == "tfds:plain_colours/train_alone/1.2.0"


def test_a_data_set_prepared_elsewhere_is_found_by_its_name(downloads, tmp_path):
    read(TfdsSource("plain_colours/train_alone", tmp_path), tmp_path / "outcome")
    (tmp_path / "plain_colours").rename(tmp_path / "other_colours")
    assert TfdsSource("other_colours/train_alone", tmp_path).labels == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("plain_color", r"'plain_color' is neither a folder here nor a TFDS data set \(near names: plain_colours"),
        ("plain_colours/four", "cannot open 'plain_colours/four'.*has the configurations three, no_validation, train_alone, no_train"),
        ("plain_colours:9.0.0", "cannot open 'plain_colours:9.0.0'.*only: 1.2.0"),
        ("no_pictures", "no_pictures has 0 features that are an image: expected one"),
    ],
)
def test_names_that_are_no_data_set(downloads, data, message):
    with pytest.raises(ValueError, match=message) as caught:
        TfdsSource(data, downloads)
    assert "\n" not in str(caught.value)


def test_a_data_set_that_cannot_be_prepared_says_why(downloads, tmp_path):
    (tmp_path / "plain_colours").write_text("in the way")
    with pytest.raises(ValueError, match=r"TFDS cannot prepare plain_colours: .*plain_colours"):
        read(TfdsSource("plain_colours", tmp_path), tmp_path / "outcome")


class Interrupted(http.server.BaseHTTPRequestHandler):
    """Sends the beginning of a file."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"the beginning")

    def log_message(self, *_):
        """Says nothing."""


def test_an_interrupted_download_says_how_to_go_on(tmp_path, monkeypatch):
    server = http.server.ThreadingHTTPServer(("localhost", 0), Interrupted)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("DOWNLOADED_FROM", f"http://localhost:{server.server_port}/colours.tgz")
    message = r"TFDS cannot download downloaded from its source .*Connection broken.*same command tries"
    try:
        with pytest.raises(ValueError, match=message):
            read(TfdsSource("downloaded/three", tmp_path), tmp_path / "outcome")
    finally:
        server.shutdown()
        server.server_close()
