import json

import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.components.figures.gallery.compared import ComparedModel, draw_compared_galleries, layers_by_name, layers_by_place
from zfnet.components.figures.gallery.example_search import ExampleSearch
from zfnet.components.figures.gallery.gallery import draw_galleries
from zfnet.model import Deconvnet


@pytest.fixture(scope="module")
def nets():
    keras.utils.set_random_seed(0)
    made = []
    for filters in (4, 6):
        layers = [keras.layers.Conv2D(filters, 5, strides=3, activation="relu", name=name) for name in ("conv1", "conv2")]
        made.append(Deconvnet(keras.Sequential([keras.Input((40, 56, 3)), *layers])))
    made[1].model.get_layer("conv2").bias.assign([-1e6] * 6)
    return made


def test_each_is_what_it_is_alone(nets, examples, tmp_path):
    models = [ComparedModel(name, deconvnet, examples) for name, deconvnet in zip(("one", "other"), nets, strict=True)]
    rows = [("conv1", "conv1"), ("conv2", "conv2"), (None, "conv2")]
    about = [{"model": "a"}, {"model": "b"}]
    pictures = draw_compared_galleries(models, rows[:2], tmp_path, maps=3, seed=1, about=about)
    numbers = json.loads((tmp_path / "gallery.json").read_text())
    assert numbers["pictures"] == list(pictures) == ["gallery_conv1.png", "gallery_conv2.png"]
    assert numbers["rows"][0] == {"picture": "gallery_conv1.png", "layers": ["conv1", "conv1"]}
    assert [(each["name"], each["model"]) for each in numbers["models"]] == [("one", "a"), ("other", "b")]
    for deconvnet, told in zip(nets, numbers["models"], strict=True):
        (tmp_path / told["name"]).mkdir()
        draw_galleries(ExampleSearch(deconvnet, examples), ["conv1", "conv2"], tmp_path / told["name"], maps=3, seed=1)
        assert json.loads((tmp_path / told["name"] / "gallery.json").read_text()) == told["layers"]
    assert numbers["models"][1]["layers"]["conv2"]["maps"] == {}  # Dead: a title alone.
    for name, picture in pictures.items():
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), picture)


def test_of_a_row_that_is_never_positive_there_is_no_picture(nets, examples, tmp_path):
    models = [ComparedModel(name, nets[1], examples) for name in ("one", "other")]
    assert draw_compared_galleries(models, [("conv2", "conv2")], tmp_path, maps=3, seed=0, about=[{}, {}]) == {}
    assert json.loads((tmp_path / "gallery.json").read_text())["pictures"] == []


def net(*names):
    return Deconvnet(keras.Sequential([keras.Input((20, 16, 3)), *(keras.layers.Conv2D(2, 3, name=name) for name in names)]))


def test_by_place_the_first_stands_beside_the_first():
    rows, left_over = layers_by_place([net("a", "b", "c"), net("x", "y")])
    assert rows == [("a", "x"), ("b", "y")]
    assert left_over == [["c"], []]


def test_by_name_a_model_may_lack_a_layer():
    nets = [net("a", "b"), net("b", "c")]
    assert layers_by_name(nets, ["b", "c", "b"]) == [("b", "b"), (None, "c")]
    with pytest.raises(ValueError, match="no layer 'd' to look at"):
        layers_by_name(nets, ["d"])
