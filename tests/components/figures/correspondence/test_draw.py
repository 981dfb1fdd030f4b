import json

import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.components.figures.correspondence.draw import TILE, draw_correspondence
from zfnet.components.figures.correspondence.parts import PartViews
from zfnet.components.figures.images import MeanGrey
from zfnet.components.pictures.sheet import GAP, HEADING, resize_tile
from zfnet.model import Deconvnet

layers = keras.layers
GREY = MeanGrey(np.full((1, 1, 3), 100.0, np.float32), "a grey")


@pytest.fixture(scope="module")
def views():
    """Grey noise with a red square and a green one; images that are not square."""
    random = np.random.default_rng(0)
    pictures = np.repeat(random.integers(0, 200, (4, 24, 36, 1)), 3, axis=3).astype(np.uint8)
    red = np.array([[random.integers(0, 12), random.integers(0, 18), 6, 6] for _ in pictures])
    green = np.array([[random.integers(18, 29), random.integers(0, 18), 5, 4] for _ in pictures])
    for picture, *boxes in zip(pictures, red, green, strict=True):
        for (left, top, width, height), colour in zip(boxes, ((250, 0, 0), (0, 250, 0)), strict=True):
            picture[top : top + height, left : left + width] = colour
    return PartViews("abcd", pictures, {"red": red, "green": green}, np.tile([0, 0, 36, 24], (4, 1)), "four images")


def net_of(shape=(24, 36, 3)):
    """A net that knows the red part and not the green one."""
    keras.utils.set_random_seed(0)
    layout = "channels_last" if shape[2] == 3 else "channels_first"
    net = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(1, 1, use_bias=False, activation="relu", data_format=layout, name="conv"),
            layers.GlobalAveragePooling2D(data_format=layout, name="pool"),
            layers.Dense(7, name="units"),
        ]
    )
    net.layers[0].set_weights([np.array([1.0, -1, -1]).reshape(1, 1, 3, 1)])
    return net


@pytest.fixture(scope="module")
def drawn(views, tmp_path_factory):
    folder = tmp_path_factory.mktemp("correspondence")
    figure = draw_correspondence(Deconvnet(net_of()), views, GREY, ["conv", "units"], draws=40, seed=0)
    figure.save(folder)
    return folder, figure.pictures


def test_the_part_that_the_net_knows_is_told_from_the_one_that_it_does_not(drawn, views):
    numbers = json.loads((drawn[0] / "correspondence.json").read_text())
    red, green = numbers["parts"]["red"]["units"], numbers["parts"]["green"]["units"]
    assert red["pairs"] == [0] * 6
    assert (red["mean"], red["std"]) == (0, 0)
    assert red["random"]["mean"] > 0.1
    assert red["share_of_draws_not_above"] < 0.5
    # Nothing changes in any image: as alike as can be, and it says nothing.
    assert green["pairs"] == [0] * 6
    assert len(red["random"]["draws"]) == 40
    assert red["random"]["mean"] == pytest.approx(np.mean(red["random"]["draws"]))
    assert red["random"]["std"] >= np.std(red["random"]["draws"])


def test_the_numbers_of_a_layer_of_pixels_by_hand(drawn, views):
    found = json.loads((drawn[0] / "correspondence.json").read_text())["parts"]["red"]["conv"]
    signs = np.zeros((4, 24, 36))
    for place, (left, top, width, height) in enumerate(views.boxes["red"]):
        signs[place, top : top + height, left : left + width] = 1
    expected = [np.mean(signs[one] != signs[other]) for one in range(4) for other in range(one + 1, 4)]
    np.testing.assert_allclose(found["pairs"], expected)
    assert found["mean"] == pytest.approx(np.mean(expected))
    assert found["std"] == pytest.approx(np.std(expected))


def test_files_and_what_else_is_written(drawn, views):
    folder, pictures = drawn
    assert sorted(path.name for path in folder.iterdir()) == ["correspondence.json", "correspondence.png", "correspondence_parts.png"]
    numbers = json.loads((folder / "correspondence.json").read_text())
    assert numbers["pictures"] == ["correspondence.png", "correspondence_parts.png"]
    assert (numbers["note"], numbers["grey"], numbers["draws"], numbers["pairs_of_images"]) == ("four images", "a grey", 40, 6)
    assert numbers["images"][2] == {"image": "c", "boxes": {part: boxes[2].tolist() for part, boxes in views.boxes.items()}}
    for name in ("correspondence", "correspondence_parts"):
        np.testing.assert_array_equal(pictures[name], Image.open(folder / f"{name}.png"))


def test_the_sheet_shows_what_was_hidden(drawn, views):
    hidden = views.pictures[1].copy()
    left, top, width, height = views.boxes["red"][1]
    hidden[top : top + height, left : left + width] = 100
    y, x = 6 * GAP + HEADING + TILE + GAP, 6 * GAP + TILE + 6 * GAP
    np.testing.assert_array_equal(drawn[1]["correspondence_parts"][y : y + TILE, x : x + TILE], resize_tile(hidden, TILE))


def test_same_seed_same_bits_and_another_seed_others(drawn, views):
    same, other = (draw_correspondence(Deconvnet(net_of()), views, GREY, ["conv", "units"], draws=40, seed=seed).numbers for seed in (0, 1))
    assert same == json.loads((drawn[0] / "correspondence.json").read_text())
    assert other["parts"]["red"]["conv"]["random"] != same["parts"]["red"]["conv"]["random"]


def test_channels_first_gives_the_same(drawn, views):
    net = net_of((3, 24, 36))
    net.set_weights(net_of().get_weights())
    grey = GREY._replace(values=GREY.values.reshape(3, 1, 1))
    figure = draw_correspondence(Deconvnet(net), views, grey, ["conv", "units"], draws=40, seed=0)
    assert figure.numbers == json.loads((drawn[0] / "correspondence.json").read_text())
    np.testing.assert_array_equal(figure.pictures["correspondence_parts"], drawn[1]["correspondence_parts"])


def test_progress_of_each_part(views, bars):
    draw_correspondence(Deconvnet(net_of()), views, GREY, ["units"], draws=3, seed=0)
    assert [(bar.title, bar.total, len(bar.items)) for bar in bars] == [("Hiding red", 4, 4), ("Hiding green", 4, 4)]
