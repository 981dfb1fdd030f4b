import csv
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
    assert "91 images, 1 without a prediction" in result.output
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("photographs", "--out", "a.txt"), "expected .csv, .jsonl, .parquet"),
        (("photographs", "--out", "photographs/a.csv"), "lies inside of DATA"),
        (("empty", "--out", "a.csv"), "There are no images in"),
        (("prepared", "--split", "tset", "--out", "a.csv"), "has no split 'tset'; it has train, validation"),
        (("photographs/cat/broken.jpg", "--out", "a.csv"), "None of the 1 images"),
    ],
)
def test_wrong_use(predict, home, arguments, said):
    (home / "empty").mkdir(exist_ok=True)
    (home / "a.csv").write_text("kept")
    result = predict(*arguments)
    assert result.exit_code == 1
    assert said in result.output
    assert (home / "a.csv").read_text() == "kept"
