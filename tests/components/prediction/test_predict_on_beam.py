"""Predictions of workers in threads."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.prediction import images as images_module
from zfnet.components.prediction.images import open_images
from zfnet.components.prediction.predict import predict_images
from zfnet.components.prediction.predict_on_beam import predict_on_beam
from zfnet.components.prediction.predictor import Predictor


def open_predictor(directory):
    """A model of two classes, dark and bright; writes a file each time that it is opened."""
    with (pathlib.Path(directory) / "opened").open("a") as file:
        file.write("x")

    def shares(images):
        bright = tf.reduce_mean(tf.cast(images, tf.float64), (1, 2, 3)) / 255
        return tf.stack([1 - bright, bright], axis=1)

    return Predictor(shares, ["dark", "bright"], 14, 2)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Fifty photographs of which one is broken, in chunks of eight."""
    monkeypatch.setattr(images_module, "CHUNK", 8)
    (tmp_path / "photographs").mkdir()
    for number in range(50):
        Image.fromarray(np.full((20, 20, 3), 5 * number, np.uint8)).save(tmp_path / f"photographs/{number:02}.png")
    (tmp_path / "photographs/20.png").write_bytes(b"broken")
    return open_images(str(tmp_path / "photographs"), None, {}, tmp_path)


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_give_the_same_rows_and_share_a_model(images, tmp_path, workers):
    expected = list(predict_images(open_predictor(tmp_path), images))
    (tmp_path / "opened").unlink()
    (tmp_path / "out").mkdir()
    options = (f"--direct_num_workers={workers}",)
    rows = predict_on_beam(lambda: open_predictor(tmp_path), images, tmp_path / "out/rows.csv", "FnApiRunner", options)
    assert list(rows) == expected
    assert (tmp_path / "opened").read_text() == "x"
    assert not list((tmp_path / "out").iterdir())


def test_error_of_a_worker_is_one_line_and_nothing_stays(images, tmp_path):
    def refuse():
        raise ValueError("the model needs a layer that is not here")

    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match=r"^the model needs a layer that is not here$"):
        list(predict_on_beam(refuse, images, tmp_path / "out/rows.csv", "FnApiRunner", ()))
    assert not list((tmp_path / "out").iterdir())


def test_no_images(tmp_path):
    (tmp_path / "empty").mkdir()
    images = open_images(str(tmp_path / "empty"), None, {}, tmp_path)
    with pytest.raises(ValueError, match=r"There are no images in .*empty"):
        list(predict_on_beam(lambda: open_predictor(tmp_path), images, tmp_path / "rows.csv", "FnApiRunner", ()))
