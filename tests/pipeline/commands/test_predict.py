import csv
import importlib
import json

import keras
import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.example_gen import generate_examples
from zfnet.pipeline.commands.predict import command

CLASSES = ["bird", "cat", "dog"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """`photographs/`, prepared as `prepared/`, with one broken file; `model/`, which gives logits."""
    home = tmp_path_factory.mktemp("predict_command")
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (home / "photographs" / name).mkdir(parents=True)
        for number in range(30):
            Image.fromarray(rng.integers(0, 256, (60, 50 + number, 3)).astype(np.uint8)).save(home / f"photographs/{name}/{number:02d}.png")
    (home / "photographs/cat/broken.jpg").write_bytes(b"no picture")
    source = open_source(str(home / "photographs"), home)
    examples = Examples(home / "prepared")
    generate_examples(examples, source=source, image_size=28, num_shards=2, max_rejected=1, runner="FnApiRunner", beam_options=())
    keras.utils.set_random_seed(0)
    small = keras.initializers.RandomNormal(stddev=0.01)
    layers = [keras.layers.AveragePooling2D(4), keras.layers.Flatten(), keras.layers.Dense(3, kernel_initializer=small)]
    (home / "model").mkdir()
    keras.Sequential([keras.Input((28, 28, 3)), *layers]).save(home / "model/model.keras")
    (home / "model/labels.txt").write_text("bird\ncat\ndog\n")
    return home


@pytest.fixture
def predict(home, monkeypatch):
    monkeypatch.chdir(home)
    return lambda *arguments: CliRunner().invoke(command, ["--verbose", "model", *arguments])


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_photographs_get_the_probabilities_of_their_stored_examples(predict, home):
    result = predict("photographs", "--out", "all.csv")
    assert result.exit_code == 0, result.output
    assert "91 images, 1 without a prediction, 91 with a known class" in result.output
    assert "cat/broken.jpg: none of JPEG" in result.output
    rows = rows_of(home / "all.csv")
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert len(rows) == 91
    found = {row["path"]: row for row in rows}
    model, examples = keras.saving.load_model(home / "model/model.keras"), Examples(home / "prepared")
    for split in ("train", "validation"):
        ids = read_origins(examples, split).ids
        images, labels, _ = next(iter(central_crops(examples, split, size=28, batch_size=1000)))
        logits = model(images).numpy().astype(float)
        wanted = np.exp(logits - logits.max(axis=1, keepdims=True))
        wanted /= wanted.sum(axis=1, keepdims=True)
        for id, label, probabilities in zip(ids, labels.numpy(), wanted, strict=True):
            order = np.argsort(-probabilities)
            row = found[id]
            assert row["class"] == CLASSES[label]
            assert [row[f"label_{k}"] for k in (1, 2, 3)] == [CLASSES[place] for place in order]
            np.testing.assert_allclose([float(row[f"probability_{k}"]) for k in (1, 2, 3)], probabilities[order], atol=2e-6)
    assert predict("prepared", "--split", "train", "--out", "train.csv").exit_code == 0
    assert all(row == found[row["path"]] for row in rows_of(home / "train.csv"))


def test_workers_of_beam_write_the_same_bytes(predict, home, monkeypatch):
    monkeypatch.setattr("zfnet.components.prediction.images.CHUNK", 20)
    assert predict("photographs", "--out", "here.csv").exit_code == 0
    for workers in (1, 3):
        result = predict("photographs", "--out", "beam.csv", "--runner", "FnApiRunner", "--", f"--direct_num_workers={workers}")
        assert result.exit_code == 0, result.output
        assert (home / "beam.csv").read_bytes() == (home / "here.csv").read_bytes()
    assert not list(home.glob(".*.partial"))


def test_all_kinds_of_file_hold_the_same(predict, home):
    for name in ("same.csv", "same.jsonl", "same.parquet"):
        assert predict("photographs", "--top", "2", "--out", name).exit_code == 0
    lines = [json.loads(line) for line in (home / "same.jsonl").read_text().splitlines()]
    assert lines == pyarrow.parquet.read_table(home / "same.parquet").to_pylist()
    for line, row in zip(lines, rows_of(home / "same.csv"), strict=True):
        assert {name: "" if cell is None else f"{cell:.6f}" if isinstance(cell, float) else cell for name, cell in line.items()} == row


def test_table_of_paths_and_one_image(predict, home):
    (home / "paths.csv").write_text("path\nphotographs/dog/01.png\nphotographs/gone.png\n")
    assert predict("paths.csv", "--out", "table.csv").exit_code == 0
    first, gone = rows_of(home / "table.csv")
    assert first["path"] == "photographs/dog/01.png"
    assert not first["class"]
    assert gone["error"] == "no such file"
    assert predict("photographs/dog/01.png", "--out", "one.csv").exit_code == 0
    (one,) = rows_of(home / "one.csv")
    assert one["label_1"] == first["label_1"]
    assert one["probability_1"] == first["probability_1"]


def test_classes_that_the_model_does_not_have_are_said(predict, home):
    (home / "classes.csv").write_text("path,label\nphotographs/dog/01.png,dog\nphotographs/dog/02.png,hound\nphotographs/dog/03.png,\n")
    result = predict("classes.csv", "--out", "classes_out.csv")
    assert "3 images, 0 without a prediction, 2 with a known class" in result.output
    assert "1 image has a class in DATA that model does not have" in result.output
    assert [row["class"] for row in rows_of(home / "classes_out.csv")] == ["dog", "hound", ""]
    assert "does not have" not in predict("photographs", "--out", "folders.csv").output


def test_folder_called_like_the_number_of_an_output_is_no_class(home, monkeypatch):
    monkeypatch.chdir(home)
    (home / "dated/2024/1").mkdir(parents=True)
    (home / "dated/2024/1/a.png").write_bytes((home / "photographs/dog/01.png").read_bytes())
    (home / "nameless.keras").write_bytes((home / "model/model.keras").read_bytes())
    result = CliRunner().invoke(command, ["nameless.keras", "dated", "--out", "dated.csv"])
    assert result.exit_code == 0, result.output
    (row,) = rows_of(home / "dated.csv")
    assert row["class"] == ""
    assert row["label_1"] in {"0", "1", "2"}
    result = CliRunner().invoke(command, ["nameless.keras", "prepared", "--out", "assumed.csv"])
    assert "its outputs are assumed to be the classes of the data" in result.output
    assert {row["label_1"] for row in rows_of(home / "assumed.csv")} <= set(CLASSES)


def test_classes_of_imagenet_have_the_names_of_the_model(home, monkeypatch, tmp_path):
    monkeypatch.chdir(home)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    keras.utils.set_random_seed(5)
    keras.applications.MobileNet(weights=None).save(tmp_path / "models/mobilenet_1_0_224_tf.h5")
    index = {str(number): [f"n{number:08}", f"class{number}"] for number in range(1000)}
    index["134"][1] = index["517"][1] = "crane"
    # Keras reads no other file than its own, so the test sets the classes that it would have read.
    monkeypatch.setattr(importlib.import_module("keras.src.applications.imagenet_utils"), "CLASS_INDEX", index)
    photograph = (home / "photographs/dog/01.png").read_bytes()
    for name in ("n00000517", "class3", "crane", "dog"):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        (tmp_path / "photographs" / name / "a.png").write_bytes(photograph)
    assert CliRunner().invoke(command, ["keras:MobileNet", str(tmp_path / "photographs"), "--out", "imagenet.csv"]).exit_code == 0
    assert [row["class"] for row in rows_of(home / "imagenet.csv")] == ["class3", "", "", "crane (n00000517)"]


def test_workers_on_other_machines_need_a_model_that_they_can_read(predict):
    result = predict("gs://photos/animals", "--out", "gs://photos/out.csv", "--runner", "DataflowRunner")
    assert result.exit_code == 1
    assert "cannot read" in result.output
    assert "copy the model to Cloud Storage, and give its path there as MODEL" in result.output


# In one process, since TensorFlow takes long to import.
REMOTE = """
import sys
from zfnet.pipeline.cli.main import main
for number, data in enumerate(["photographs", "prepared"] * 2):
    options = ["--runner", "FnApiRunner"] if number >= 2 else []
    words = ["predict", "gs://photos/model", f"gs://photos/{data}", "--out", f"gs://photos/tables/{number}.csv", *options]
    main(words, standalone_mode=False)
"""


@pytest.mark.timeout(400)
def test_everything_may_lie_in_cloud_storage(predict, home, in_cloud, open_bucket, fetch):
    for directory in ("model", "photographs", "prepared"):
        for file in (home / directory).rglob("*"):
            if file.is_file():
                open_bucket().blob(str(file.relative_to(home))).upload_from_filename(str(file))
    assert in_cloud(REMOTE).count("with a known class") == 4
    expected = []
    for data in ("photographs", "prepared"):
        assert predict(data, "--out", "here.csv").exit_code == 0
        expected.append((home / "here.csv").read_bytes())
    assert [content for _, content in sorted(fetch("tables/").items())] == expected * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("photographs", "--out", "a.txt"), "expected .csv, .jsonl, .parquet"),
        (("photographs", "--out", "photographs/a.csv"), "lies inside of DATA"),
        (
            ("photographs", "--out", "directory.csv"),
            "directory.csv is a directory; give the name of a file, such as directory.csv/predictions",
        ),
        (("classes.csv", "--out", "classes.csv"), "classes.csv is DATA itself"),
        (("empty", "--out", "a.csv"), "There are no images in"),
        (("prepared", "--split", "tset", "--out", "a.csv"), "has no split 'tset'; it has train, validation"),
        (("photographs/cat/broken.jpg", "--out", "a.csv"), "None of the 1 images"),
    ],
)
def test_wrong_use(predict, home, arguments, said):
    (home / "empty").mkdir(exist_ok=True)
    (home / "directory.csv").mkdir(exist_ok=True)
    (home / "a.csv").write_text("kept")
    result = predict(*arguments)
    assert result.exit_code == 1
    assert said in result.output
    assert (home / "a.csv").read_text() == "kept"
