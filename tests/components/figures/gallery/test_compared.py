import keras
import pytest

from zfnet.components.figures.gallery.compared import draw_compared_gallery, layers_by_name, layers_by_place
from zfnet.components.figures.gallery.gallery import GalleryModel, draw_gallery
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


def test_each_is_what_it_is_alone(nets, search_of):
    models = [
        GalleryModel(search_of(deconvnet), name, about={"model": about})
        for name, about, deconvnet in zip(("one", "other"), "ab", nets, strict=True)
    ]
    figure = draw_compared_gallery(models, [("conv1", "conv1"), ("conv2", "conv2")], maps=3, seed=1)
    numbers = figure.numbers
    assert numbers["pictures"] == [f"{name}.png" for name in figure.pictures] == ["gallery_conv1.png", "gallery_conv2.png"]
    assert numbers["rows"][0] == {"picture": "gallery_conv1.png", "layers": ["conv1", "conv1"]}
    assert [(each["name"], each["model"]) for each in numbers["models"]] == [("one", "a"), ("other", "b")]
    for deconvnet, found in zip(nets, numbers["models"], strict=True):
        alone = draw_gallery(GalleryModel(search_of(deconvnet)), ["conv1", "conv2"], maps=3, seed=1)
        assert alone.numbers == found["layers"]
    assert numbers["models"][1]["layers"]["conv2"]["maps"] == {}  # Dead: a title alone.


def test_a_row_that_is_never_positive_has_no_picture(nets, search_of):
    models = [GalleryModel(search_of(nets[1]), name) for name in ("one", "other")]
    figure = draw_compared_gallery(models, [("conv2", "conv2")], maps=3, seed=0)
    assert (figure.pictures, figure.numbers["pictures"]) == ({}, [])


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
