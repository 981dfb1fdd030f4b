import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.callbacks.evolution import FeatureEvolution
from zfnet.components.training.callbacks.evolution_sheet import draw_sheet, write_sheet
from zfnet.components.training.callbacks.watched_images import KeptImages
from zfnet.model import Deconvnet

EPOCHS = 12


@pytest.fixture
def writer(tmp_path):
    return tf.summary.create_file_writer(str(tmp_path / "log"))


@pytest.fixture
def evolution(tmp_path, writer):
    """Features of a net that was looked at before and after each of twelve epochs."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(3, 5, activation="relu", name="a b")])
    images = KeptImages(np.random.default_rng(0).uniform(0, 1, (8, 16, 16, 3)).astype("float32"), False)
    evolution = FeatureEvolution(Deconvnet(net), ["a b"], images, 2, 0, tmp_path / "kept", writer)
    found = evolution.search(8)
    for epoch in range(EPOCHS + 1):
        evolution.project(epoch, found, shown=True)
    return evolution


def titles(figure):
    return figure.numbers["columns"]


def test_columns_are_those_of_the_paper_with_the_first_and_the_last(evolution):
    assert titles(draw_sheet(evolution, EPOCHS)) == ["untrained", "epoch 1", "epoch 2", "epoch 5", "epoch 10", "epoch 12"]
    assert titles(draw_sheet(evolution, 9)) == ["untrained", *(f"epoch {epoch}" for epoch in range(1, 10))]
    assert titles(draw_sheet(evolution, EPOCHS, {3, 11})) == ["epoch 3", "epoch 11"]


def test_epochs_that_were_not_kept_are_refused(evolution):
    with pytest.raises(ValueError, match=r"No features were kept after any of the epochs \[20, 30\]; None shows those that were\."):
        draw_sheet(evolution, EPOCHS, [30, 20])


def test_the_sheet_is_a_file_and_a_picture_in_tensorboard(evolution, writer, tmp_path):
    figure = draw_sheet(evolution, EPOCHS, [0, EPOCHS])
    write_sheet(figure, tmp_path, writer, EPOCHS)
    (name,) = figure.pictures
    assert (tmp_path / f"{name}.png").exists()
    assert (tmp_path / "evolution.json").exists()
    (file,) = (tmp_path / "log").glob("events*")
    values = [(event.step, value) for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value]
    ((step, value),) = [(step, value) for step, value in values if value.tag.startswith("evolution_sheet")]
    assert (step, value.tag) == (EPOCHS, "evolution_sheet/a b")
    assert tf.make_ndarray(value.tensor)[2] == (tmp_path / f"{name}.png").read_bytes()
