import json

import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures import feature_sheet
from zfnet.components.figures.feature_sheet import APART, HALF, HALVES, HEADING, LABEL, MARGIN, ROW_GAP, TILE, draw_features
from zfnet.components.figures.filters.report import first_layer
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.pictures.projected_activation import signed_scale, signed_to_rgb
from zfnet.components.pictures.sheet import GAP, resize_tile
from zfnet.model import Deconvnet

layers = keras.layers
LAYERS = ["conv2", "conv3", "conv4", "conv5"]
LEFT = MARGIN + LABEL


@pytest.fixture(scope="module")
def deconvnet(model):
    return Deconvnet(load_model_file(model.path / "model.keras"))


@pytest.fixture(scope="module")
def images(examples):
    return np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])


@pytest.fixture(scope="module")
def drawn(deconvnet, search_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet")
    figure = draw_features(search_of(deconvnet))
    assert [path.name for path in figure.save(folder)] == ["features.png", "feature_sheet.json"]
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "features.png")), figure.pictures["features"])
    return figure.pictures["features"], json.loads((folder / "feature_sheet.json").read_text())


def tile(picture, row, place, half, number, first_height):
    """A tile of a map: row and place count from 0, half 0 is the projections, number is 0 to 8."""
    top = MARGIN + first_height + ROW_GAP + row * (HEADING + HALF + ROW_GAP) + HEADING + number // 3 * (TILE + GAP)
    left = LEFT + place * (2 * HALF + HALVES + APART) + half * (HALF + HALVES) + number % 3 * (TILE + GAP)
    return picture[top : top + TILE, left : left + TILE]


def test_every_tile_is_what_the_numbers_say(drawn, deconvnet, examples, images):
    picture, numbers = drawn
    ids = read_origins(examples, "validation").ids
    assert list(numbers["layers"]) == LAYERS
    for row, layer in enumerate(LAYERS):
        told = numbers["layers"][layer]
        maxima = deconvnet.activations(images, [layer])[0].numpy().max(axis=(1, 2))
        assert told["dead_maps"] == np.flatnonzero(maxima.max(axis=0) <= 0).tolist()
        assert len({each["map"] for each in told["maps"]}) == len(told["maps"]) == 3
        for place, each in enumerate(told["maps"]):
            # These photographs are whole: no two examples show one place.
            expected = sorted(maxima[:, each["map"]][maxima[:, each["map"]] > 0], reverse=True)[:9]
            np.testing.assert_allclose([found["activation"] for found in each["activations"]], expected, rtol=1e-4)
            number = len(expected) // 2
            found = each["activations"][number]
            image = images[ids.index(found["example"])]
            window = tuple(slice(start, start + length) for start, length in zip(found["corner"], told["window"], strict=True))
            projection = deconvnet.project(image[None], layer, each["map"], found["position"])[0][window]
            np.testing.assert_allclose(found["scale"], signed_scale(projection[None])[0], rtol=1e-3)
            shown = [tile(picture, row, place, half, number, 94)[1:-1, 1:-1].astype(int) for half in range(2)]  # Patches have edges.
            for seen, truth in zip(shown, (signed_to_rgb(projection[None])[0], np.rint(image[window]).astype(np.uint8)), strict=True):
                np.testing.assert_allclose(seen, resize_tile(truth, TILE)[1:-1, 1:-1], atol=3)


def test_classes_and_votes_are_those_of_the_examples(drawn, examples):
    origins = read_origins(examples, "validation")
    for layer, told in drawn[1]["layers"].items():
        for each in told["maps"]:
            classes = [found["class"] for found in each["activations"]]
            assert classes == [examples.labels[origins.labels[origins.ids.index(found["example"])]] for found in each["activations"]]
            assert each["votes"] == classes.count(each["class"]) == max(map(classes.count, classes))
        # The examples are of three classes, of each of which some map answers most to.
        assert layer != "conv5" or len({each["class"] for each in told["maps"]}) > 1


def test_it_fits_a_screen_and_says_what_is_what(drawn):
    picture, numbers = drawn
    height, width = picture.shape[:2]
    assert (height <= 1000, width <= 1400, numbers["pictures"]) == (True, True, ["features.png"])
    assert np.all(picture[:MARGIN] == 255)
    assert np.all(picture[:, -MARGIN:] == 255)
    # A label at the left of every row.
    inked = np.any(picture[:, MARGIN : LEFT - 4] < 128, axis=(1, 2))
    assert np.count_nonzero(np.diff(inked.astype(int)) == 1) >= 5


def test_the_same_net_and_examples_give_the_same_picture(drawn, deconvnet, search_of):
    again = draw_features(search_of(deconvnet))
    np.testing.assert_array_equal(again.pictures["features"], drawn[0])
    assert json.loads(json.dumps(again.numbers)) == drawn[1]


def test_dead_filters_come_last_and_channels_may_come_first(gratings_net, search_of):
    def plant(kernel, bias):
        bias[3] = -1e4

    pictures = []
    for layout in ("channels_last", "channels_first"):
        net = gratings_net(change=plant, data_format=layout)
        figure = draw_features(search_of(net))
        pictures.append(figure.pictures["features"].astype(int))
        expected = {"layer": "conv1", "filters": 16, "drawn": [*range(3), *range(4, 16), 3], "dead": [3], "size": (7, 7)}
        assert figure.numbers["filters"] == expected
        filters = first_layer(net, "conv1").pictures
        for place, number in ((0, 0), (3, 4), (15, 3)):  # All 16 in one row, of the largest tiles.
            shown = pictures[-1][MARGIN : MARGIN + 52, LEFT + place * (52 + GAP) :][:, :52]
            np.testing.assert_array_equal(shown, resize_tile(filters[number], 52))
    np.testing.assert_allclose(*pictures, atol=3)


def test_no_more_filters_than_can_be_seen(search_of, monkeypatch):
    monkeypatch.setattr(feature_sheet, "FILTERS", 5)
    net = keras.Sequential([keras.Input((56, 56, 3)), layers.Conv2D(9, 3, activation="relu", name="a_single_convolution_of_a_long_name")])
    bias = np.full(9, 1e4)
    bias[[1, 2]] = -1e6
    net.set_weights([net.get_weights()[0], bias])
    figure = draw_features(search_of(Deconvnet(net)))
    numbers = figure.numbers
    assert numbers["layers"] == {}
    assert (numbers["filters"]["drawn"], numbers["filters"]["dead"], numbers["filters"]["filters"]) == ([0, 3, 4, 5, 6], [1, 2], 9)
    assert figure.pictures["features"].shape[0] < 150


def test_a_deep_net_of_which_most_is_dead(search_of):
    keras.utils.set_random_seed(0)
    dead = {"bias_initializer": keras.initializers.Constant(-1e6)}
    stack = [keras.Input((40, 56, 3)), layers.Conv2D(4, 5, activation="relu", name="conv0"), layers.UpSampling2D()]
    stack += [layers.Conv2D(4, 3, activation="relu", name=f"conv{place}", **(dead if place == 4 else {})) for place in range(1, 7)]
    deconvnet = Deconvnet(keras.Sequential(stack))
    found = draw_features(search_of(deconvnet)).numbers["layers"]
    assert list(found) == ["conv2", "conv3", "conv4", "conv6"]
    assert found["conv2"]["window"] == [40, 56]  # Above an upsampling there is no single receptive field.
    assert (found["conv4"], found["conv6"]["maps"]) == ({"dead_maps": [0, 1, 2, 3], "window": None, "maps": []}, [])


def test_weights_that_are_not_numbers(search_of):
    net = keras.Sequential([keras.Input((56, 56, 3)), layers.Conv2D(2, 7, name="conv"), layers.Conv2D(2, 7, name="next")])
    net.set_weights([np.full((7, 7, 3, 2), np.nan), np.zeros(2), np.zeros((7, 7, 2, 2)), np.zeros(2)])
    with pytest.raises(ValueError, match="Activations of layer 'conv' are not all numbers"):
        draw_features(search_of(Deconvnet(net)))
