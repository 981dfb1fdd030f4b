"""Rows of images that are read, unreadable or damaged."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.example_gen import generate_examples
from zfnet.components.prediction import images as images_module
from zfnet.components.prediction import predict as module
from zfnet.components.prediction.images import open_images
from zfnet.components.prediction.predict import predict_images
from zfnet.components.prediction.predictor import Predictor

COLOURS = ["red", "green", "blue"]


def shares(images):
    """The share of each colour; NaN for black images."""
    sums = tf.reduce_sum(tf.cast(images, tf.float64), (1, 2))
    return sums / tf.reduce_sum(sums, axis=1, keepdims=True)


@pytest.fixture
def predictor():
    return Predictor(shares, COLOURS, 14, 2)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """`photographs/`, of one colour each, and `prepared/`."""
    home = tmp_path_factory.mktemp("predict")
    for place, colour in enumerate(COLOURS):
        (home / "photographs" / colour).mkdir(parents=True)
        for number in range(10):
            pixels = np.full((20, 20, 3), 40, np.uint8)
            pixels[:, :, place] = 120 + 10 * number
            Image.fromarray(pixels).save(home / f"photographs/{colour}/{number}.png")
    source = open_source(str(home / "photographs"), home)
    examples = Examples(home / "prepared")
    generate_examples(examples, source=source, image_size=14, num_shards=3, max_rejected=0, runner="FnApiRunner", beam_options=())
    return home


def opened(path, tmp_path, split=None):
    return open_images(str(path), split, {colour: colour for colour in COLOURS}, tmp_path)


def test_rows_are_in_order_and_batches_do_not_matter(home, predictor, tmp_path, monkeypatch, bars):
    whole = list(predict_images(predictor, opened(home / "photographs", tmp_path)))
    assert [row[0] for row in whole] == [f"{colour}/{number}.png" for colour in sorted(COLOURS) for number in range(10)]
    assert all(row[1] == row[2][0] == row[0].split("/")[0] for row in whole)
    (bar,) = bars
    assert (bar.title, bar.total, len(bar.items)) == ("Predicting", 30, 30)
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(images_module, "CHUNK", 7)
    assert list(predict_images(predictor, opened(home / "photographs", tmp_path))) == whole


def test_stored_examples_have_the_rows_of_their_photographs(home, predictor, tmp_path):
    of_photographs = {row[0]: row for row in predict_images(predictor, opened(home / "photographs", tmp_path))}
    for split in ("train", "validation"):
        rows = list(predict_images(predictor, opened(home / "prepared", tmp_path, split)))
        assert len(rows) == Examples(home / "prepared").count(split)
        assert all(row == of_photographs[row[0]] for row in rows)


def test_unreadable_and_black_images_have_reasons(predictor, tmp_path):
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed/a.jpg").write_bytes(b"text")
    Image.new("RGB", (9, 9), "blue").save(tmp_path / "mixed/b.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "mixed/c.png")
    broken, blue, black = predict_images(predictor, opened(tmp_path / "mixed", tmp_path))
    assert broken[2:4] == ([], [])
    assert broken[4].startswith("none of JPEG")
    assert (blue[2][0], blue[4]) == ("blue", "")
    assert black == ("c.png", "", [], [], "the model gives NaN")


def damaged(home, tmp_path):
    """A copy of the prepared examples, and its first shard for training."""
    examples = Examples(tmp_path / "copy")
    for file in (home / "prepared").iterdir():
        examples.path.mkdir(exist_ok=True)
        (examples.path / file.name).write_bytes(file.read_bytes())
    return examples.path, tmp_path / "copy" / examples.shards("train")[0].rpartition("/")[2]


def test_damaged_shards_are_named(home, predictor, tmp_path):
    directory, shard = damaged(home, tmp_path)
    record = bytearray(shard.read_bytes())
    record[200] ^= 255
    shard.write_bytes(record)
    with pytest.raises(ValueError, match=shard.name):
        list(predict_images(predictor, opened(directory, tmp_path, "train")))
    shard.write_bytes(b"")
    with pytest.raises(ValueError, match=rf"{shard.name} has 0 examples, and the manifest says \d+: copy the directory again"):
        list(predict_images(predictor, opened(directory, tmp_path, "train")))


def test_examples_of_another_size(home, tmp_path):
    with pytest.raises(ValueError, match=r"expects images of 28 pixels, but .*prepared was prepared for 14: give the photographs"):
        list(predict_images(Predictor(shares, COLOURS, 28, 2), opened(home / "prepared", tmp_path)))
