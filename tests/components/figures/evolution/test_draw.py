import json

import keras
import numpy as np
import pytest
from PIL import Image

from zfnet.components.figures.evolution.column import EvolutionColumn, SamePlaces
from zfnet.components.figures.evolution.draw import TILES, check_same_layers, draw_evolution, drawn_columns
from zfnet.components.figures.evolution.first_found import LayerFeatures, SameFeature
from zfnet.components.pictures.sheet import GAP, HEADING
from zfnet.model import Deconvnet

RED, BLUE, GREEN, WHITE = (200, 0, 0), (0, 0, 200), (0, 200, 0), (255, 255, 255)


def column(colour, examples, maps=(3, 8), activations=(1.5, 2.5), patch=WHITE):
    """Of maps whose projections are of one colour, and whose patches too."""
    count = len(maps)
    return EvolutionColumn(
        maps=np.array(maps),
        activations=np.array(activations, np.float32),
        examples=np.array(examples),
        positions=np.array([(1, 2), (3, 4), (5, 6), (7, 8)][:count]),
        corners=np.array([[1, 0], [2, 3], [4, 5], [6, 7]][:count]),
        scales=np.array([0.5, 0.25, 0.125, 0.0625][:count]),
        projections=np.full((count, 5, 5, 3), colour, np.uint8),
        patches=np.full((count, 5, 5, 3), patch, np.uint8),
        strongest=np.zeros(10, int),
    )


def same(colour, activations):
    return SamePlaces(np.array(activations, np.float32), np.array([0.5, 0.25]), np.full((2, 5, 5, 3), colour, np.uint8))


def conv(columns, seen):
    return draw_evolution(columns, seen, ["id"] * 4).pictures["evolution_conv"]


def places(picture, colour):
    return np.argwhere((picture == colour).all(axis=2))


def test_on_the_left_the_image_changes_and_on_the_right_it_stays():
    yellow, brown = (250, 250, 0), (90, 60, 0)
    columns = {"early": {"conv": column(RED, [0, 1], patch=yellow)}, "late": {"conv": column(BLUE, [0, 2], patch=brown)}}
    picture = conv(columns, {"early": {"conv": same(GREEN, [0.1, 0])}, "late": {"conv": same(BLUE, [1.5, 2.5])}})
    red, blue, green = (places(picture, colour) for colour in (RED, BLUE, GREEN))
    tile = TILES[0]
    assert len(red) == len(green) == 2 * tile**2
    assert len(blue) == 4 * tile**2
    # From left to right: early, late; early, late, at the same heights.
    for colour in (blue, green):
        np.testing.assert_array_equal(np.unique(red[:, 0]), np.unique(colour[:, 0]))
    assert red[:, 1].max() < blue[:, 1].min() < green[:, 1].min() < green[:, 1].max() < blue[:, 1].max()
    # Below a projection its patch, of half its side; the last patch also at its full size, on the very right.
    early, late = places(picture, yellow), places(picture, brown)
    assert len(early) == 2 * (tile // 2) ** 2
    assert len(late) == 2 * (tile // 2) ** 2 + 2 * tile**2
    assert early[:, 1].min() == red[:, 1].min()
    assert late[:, 1].max() > blue[:, 1].max()


def test_long_titles_end_before_the_next_column():
    picture = conv({"a" * 200: {"conv": column(RED, [0, 1])}, "late": {"conv": column(BLUE, [0, 2])}}, {})
    red, blue = (places(picture, colour) for colour in (RED, BLUE))
    between = picture[GAP + HEADING : red[:, 0].min(), blue[:, 1].min() - GAP : blue[:, 1].min()]
    assert (between == 255).all()
    assert (picture[GAP + HEADING : red[:, 0].min(), : red[:, 1].max()] < 128).any()


def test_a_moment_whose_filters_are_not_known_is_blank_on_the_right():
    columns = {"early": {"conv": column(RED, [0, 1])}, "late": {"conv": column(BLUE, [0, 2])}}
    known = conv(columns, {"early": {"conv": same(GREEN, [0.1, 0])}, "late": {"conv": same(BLUE, [1.5, 2.5])}})
    unknown = conv(columns, {"late": {"conv": same(BLUE, [1.5, 2.5])}})
    assert known.shape == unknown.shape
    assert len(places(unknown, GREEN)) == 0
    assert len(places(unknown, RED)) == len(places(known, RED))


def test_tiles_of_many_moments_are_smaller():
    moments = {f"epoch {number}": {"conv": column(RED, [0, 1])} for number in range(10)}
    assert conv(moments, {}).shape[1] < 21 * TILES[0]


def test_maps_are_drawn_that_live_and_differ_in_the_end():
    photographs = ["wall", "wall", "cup", "coin"]
    early = column(RED, [0, 1, 2, 3], maps=[2, 4, 6, 8], activations=[1, 1, 1, 0])
    # In the end, 2 is dead, 4 and 6 look at the same photograph, and 8 at another.
    late = column(BLUE, [3, 0, 1, 2], maps=[2, 4, 6, 8], activations=[0, 1, 1, 1])
    columns = {"early": {"a": early, "b": early}, "late": {"a": late, "b": late}}
    drawn = drawn_columns(columns, photographs, 2, whole=["b"])
    for title, moment in drawn.items():
        assert moment["a"].maps.tolist() == [4, 8]
        assert moment["b"].maps.tolist() == [2, 4, 6, 8]
        assert moment["a"].examples.tolist() == columns[title]["a"].examples[[1, 3]].tolist()
        assert moment["a"].positions.tolist() == [[3, 4], [7, 8]]
    assert drawn_columns({}, photographs, 2) == {}


def test_of_moments_that_watched_fewer_maps_those_are_drawn_that_all_watched():
    old = column(RED, [0, 1], maps=[8, 2])
    new = column(BLUE, [0, 1, 2, 3], maps=[2, 4, 6, 8], activations=[1, 2, 3, 4])
    drawn = drawn_columns({"old": {"a": old}, "new": {"a": new}}, ["wall", "cup", "coin", "cat"], 6)
    assert [moment["a"].maps.tolist() for moment in drawn.values()] == [[2, 8], [2, 8]]
    assert [moment["a"].examples.tolist() for moment in drawn.values()] == [[1, 0], [0, 3]]


def test_numbers_tell_when_another_image_became_the_strongest(tmp_path):
    columns = {"early": {"a/b": column(RED, [0, 1])}, "late": {"a/b": column(BLUE, [0, 2])}}
    seen = {"late": {"a/b": same(BLUE, [1.5, 2.5])}}
    figure = draw_evolution(columns, seen, ["cat", "dog", "cow"])
    numbers = figure.numbers
    assert numbers["columns"] == ["early", "late"]
    maps = numbers["layers"]["a/b"]["maps"]
    assert [[each["example"] for each in maps[number]] for number in ("3", "8")] == [["cat", "cat"], ["dog", "cow"]]
    entry = {"column": "late", "activation": 2.5, "example": "cow", "position": [3, 4], "corner": [2, 3], "scale": 0.25}
    assert maps["8"][1] == entry | {"last_place": {"activation": 2.5, "scale": 0.25}}
    assert "last_place" not in maps["8"][0]
    assert numbers["layers"]["a/b"]["window"] == [5, 5]
    figure.save(tmp_path)
    (name,) = numbers["pictures"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), figure.pictures["evolution_a%2Fb"])
    assert json.loads((tmp_path / "evolution.json").read_text()) == numbers


def test_of_no_moments_nothing_is_drawn():
    figure = draw_evolution({}, {}, [])
    assert (figure.pictures, figure.numbers) == ({}, {"pictures": [], "columns": [], "layers": {}})


def test_one_net_may_have_been_built_for_several_batches():
    def net(*shape):
        return Deconvnet(keras.Sequential([keras.Input(batch_shape=shape), keras.layers.Conv2D(2, 3, name="conv")]))

    check_same_layers({"one": net(4, 8, 8, 3), "other": net(32, 8, 8, 3), "third": net(None, 8, 8, 3)}, ["conv"])
    with pytest.raises(ValueError, match=r"one takes images \(4, 8, 8, 3\) and other \(4, 8, 9, 3\)"):
        check_same_layers({"one": net(4, 8, 8, 3), "other": net(4, 8, 9, 3)}, ["conv"])


def test_the_same_feature_found_earlier():
    columns = {"early": {"conv": column(RED, [0, 1])}, "late": {"conv": column(BLUE, [0, 2])}}
    of_maps = {
        3: {"early": SameFeature(7, 0.8), "late": SameFeature(3, 1.0)},
        8: {"early": SameFeature(2, 0.1), "late": SameFeature(8, 1.0)},
    }
    plain = draw_evolution(columns, {}, ["id"] * 4)
    figure = draw_evolution(columns, {}, ["id"] * 4, {"conv": LayerFeatures(0.6, of_maps)})
    features = figure.numbers["layers"]["conv"]["features"]
    assert features["threshold"] == 0.6
    assert {unit: each["first_found"] for unit, each in features["maps"].items()} == {"3": "early", "8": "late"}
    assert features["maps"]["3"]["same_feature"][0] == {"column": "early", "map": 7, "correlation": 0.8}
    assert "features" not in plain.numbers["layers"]["conv"]
    changed = np.argwhere((plain.pictures["evolution_conv"] != figure.pictures["evolution_conv"]).any(axis=2))
    assert changed[:, 1].max() < 72  # In the margin alone, below the numbers of the maps.
