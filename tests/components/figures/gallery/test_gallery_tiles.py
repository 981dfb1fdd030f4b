import numpy as np
import pytest

from zfnet.components.figures.gallery.gallery_tiles import TILES, GalleryTiles, gallery_numbers
from zfnet.components.pictures.projected_activation import ProjectedActivation
from zfnet.components.pictures.projection_checks import BAR, MARKED
from zfnet.components.pictures.sheet import GAP, HEADING
from zfnet.model.deconvnet.strongest import Strongest

SIDE = TILES[0]
CHECK = {"fall": 1.0, "fall_elsewhere": 0.0, "fifth": {"fall": 1.0, "fall_elsewhere": None}}


def colour(unit, rank):
    """The colour of a projection; that of its patch has red instead of 0."""
    return 0, 20 * unit + 5, 20 * rank + 5


def activation(unit, rank, side=24, check=None):
    projection = np.full((side, side, 3), colour(unit, rank), np.uint8)
    patch = np.maximum(projection, np.array([255, 0, 0], np.uint8))
    return ProjectedActivation("conv", unit, rank, 3 * unit + rank, 9.0 - rank, (1, 2), (4, 8), 0.5, projection, patch, check)


def tiles(counts, check=None):
    """Tiles of units with so many activations each; they come in another order than they are drawn in."""
    places = [(unit, rank) for unit, count in counts.items() for rank in range(count)]
    found = GalleryTiles(*np.array(places).T)
    for unit, rank in places[::-1]:
        found.add(activation(unit, rank, check=check))
    return found


@pytest.mark.parametrize(("window", "side"), [(7, 96), (96, 96), (120, 120), (224, 144)])
def test_a_window_between_the_sizes_of_tiles_is_drawn_pixel_by_pixel(window, side):
    found = GalleryTiles(np.array([0]), np.array([0]))
    found.add(activation(0, 0, window))
    assert (found.tile, found.window) == (side, [window, window])
    assert [part.shape for part in found.pair(0)] == [(side, 3 * side + 2 * GAP, 3)] * 2
    fixed = GalleryTiles(np.array([0]), np.array([0]), 40)
    fixed.add(activation(0, 0, window))
    assert fixed.pair(0)[0].shape[0] == 40


def test_projections_and_patches_in_the_order_of_their_ranks():
    projections, patches = tiles({2: 5, 0: 2}).pair(2)
    assert projections.shape == patches.shape == (2 * SIDE + GAP, 3 * SIDE + 2 * GAP, 3)
    for rank in range(5):
        top, left = (place * (SIDE + GAP) for place in divmod(rank, 3))
        assert np.all(projections[top : top + SIDE, left : left + SIDE] == colour(2, rank))
        assert np.all(patches[top : top + SIDE, left : left + SIDE] == (255, *colour(2, rank)[1:]))
    assert np.all(projections[SIDE + GAP :, 2 * (SIDE + GAP) :] == 255)


def test_a_sheet_is_as_high_as_its_units_or_as_another():
    found, margin = tiles({0: 2, 1: 5}), 6 * GAP
    assert [found.height([unit]) for unit in (0, 1)] == [SIDE, 2 * SIDE + GAP]
    headings = {0: "map 0", 1: "map 1"}
    for height, expected in ((None, 2 * SIDE + GAP), (400, 400)):
        picture = found.sheet(headings, 1, height)
        assert picture.shape[0] == 2 * (expected + HEADING + margin) + margin
        second = margin + expected + HEADING + margin + HEADING  # Top of the second unit.
        assert np.all(picture[second : second + SIDE, margin : margin + SIDE] == colour(1, 0))
    assert found.sheet({0: "map 0"}, 1).shape[0] == SIDE + HEADING + 2 * margin
    assert found.sheet({0: "map 0", 7: "map 7: never positive"}, 1).shape == found.sheet({0: "map 0", 7: ""}, 1, SIDE).shape


def test_bars_under_projections_alone():
    projections, patches = tiles({0: 4}, CHECK).pair(0)
    assert projections.shape[0] == patches.shape[0] == 2 * (SIDE + 2 * BAR + 1) + GAP
    assert np.all(projections[SIDE : SIDE + BAR, :SIDE] == MARKED)
    assert np.all(patches[SIDE : SIDE + 2 * BAR + 1] == 255)


def test_numbers_of_each_unit():
    ids = [f"image {number}" for number in range(9)]
    strongest = Strongest.none(4, 2, 2)
    strongest.values[:3, 0] = [1, 0, 2]
    found = gallery_numbers(strongest, tiles({2: 2, 0: 1}), ids)
    assert (found["dead_maps"], found["window"], list(found["maps"])) == ([1, 3], [24, 24], ["2", "0"])
    assert [each["example"] for each in found["maps"]["2"]] == ["image 6", "image 7"]
    assert found["maps"]["0"] == [{"example": "image 0", "activation": 9.0, "position": [1, 2], "corner": [4, 8], "scale": 0.5}]
    assert gallery_numbers(strongest, tiles({0: 1}, CHECK), ids)["maps"]["0"][0]["check"] == CHECK
    assert gallery_numbers(strongest, None, ids) == {"dead_maps": [1, 3], "window": None, "maps": {}}
