import json

import numpy as np
from PIL import Image

from zfnet.components.figures.filters.draw import ALIASED, DEAD, FRAME, HEIGHT, WIDTH, draw_filters, filter_charts, filter_sheet
from zfnet.components.figures.filters.numbers import filter_numbers
from zfnet.components.figures.filters.report import filter_report
from zfnet.components.pictures.sheet import GAP, HEADING
from zfnet.model.measures.map_activations import MapActivations


def test_one_model(gratings_net, search_of, bars, tmp_path):
    figure = draw_filters([filter_report(net := gratings_net(), search_of(net), maps=4)])
    titles = "Measuring", "Searching", "Projecting"
    assert [(bar.title, len(bar.items)) for bar in bars] == [(title, bar.total) for title, bar in zip(titles, bars, strict=True)]
    assert [path.name for path in figure.save(tmp_path)] == ["filters.png", "filters.json"]
    np.testing.assert_array_equal(figure.pictures["filters"], Image.open(tmp_path / "filters.png"))
    numbers = json.loads((tmp_path / "filters.json").read_text())
    assert list(numbers) == ["pictures", "models", "comparison"]
    assert numbers["pictures"] == ["filters.png"]
    assert numbers["comparison"] == []
    assert list(numbers["models"]) == ["gratings"]
    assert len(numbers["models"]["gratings"]["second_layer"]["maps"]) == 4
    again = draw_filters([filter_report(net := gratings_net(), search_of(net), maps=4)])
    np.testing.assert_array_equal(again.pictures["filters"], figure.pictures["filters"])
    assert json.loads(json.dumps(again.numbers)) == numbers


def test_several_models(clean, coarse):
    figure = draw_filters([clean, coarse])
    assert figure.numbers["models"] == {report.name: filter_numbers(report) for report in (clean, coarse)}
    assert len(figure.numbers["comparison"]) == 5
    layers = filter_sheet([clean, coarse], ["clean", "coarse"])
    np.testing.assert_array_equal(figure.pictures["filters"][: len(layers)], layers)


def test_models_of_one_name_are_called_by_their_paths(clean, coarse):
    reports = [clean._replace(name="a/net"), coarse._replace(name="b/net")]
    picture = draw_filters(reports).pictures["filters"]
    layers = filter_sheet(reports, ["a/net", "b/net"])
    np.testing.assert_array_equal(picture[: len(layers)], layers)


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def has(picture, colour):
    return (np.abs(picture.astype(int) - colour).max(axis=2) <= 2).any()


def panel(picture, row, column):
    return np.array_split(np.array_split(picture, 2, axis=0)[row], 3, axis=1)[column]


def test_every_panel_shows_every_model(planted, coarse):
    picture = filter_charts([planted, coarse], ["planted", "coarse"], 1300)
    assert picture.shape == (HEIGHT, 1300, 3)
    for row in range(2):
        for column in range(3):
            # Of the two, only one has dead maps.
            assert has(panel(picture, row, column), BLUE)
            assert has(panel(picture, row, column), ORANGE) == ((row, column) != (1, 0))


def test_one_model_and_no_dead_maps(clean):
    picture = filter_charts([clean], ["clean"], 1300)
    assert has(panel(picture, 1, 1), BLUE)
    assert not has(panel(picture, 1, 0), BLUE)
    assert not has(picture, ORANGE)


def test_nets_of_other_layers_and_of_none(clean):
    many = {f"a_layer_with_a_long_name_{number}": clean.layers["conv1"] for number in range(30)}
    deep = clean._replace(layers=many, spreads=dict.fromkeys(many, clean.spreads["conv1"]))
    assert has(panel(filter_charts([clean, deep], ["clean", "deep"], 1300), 1, 1), ORANGE)
    assert filter_charts([clean._replace(layers={}, spreads={})], ["none"], 1300).shape == (HEIGHT // 2, 1300, 3)


def test_a_layer_that_is_dead_altogether_fits(clean):
    dead = MapActivations(np.zeros(12, "float32"), np.zeros(12, "float32"), np.zeros(12), 3)
    picture = filter_charts([clean._replace(layers={**clean.layers, "conv2": dead})], ["dead"], 1300)
    assert has(panel(picture, 1, 0), BLUE)


def test_strides_that_differ(clean):
    first = clean.first._replace(strides=(1, 2), radius=0.3)
    assert filter_charts([clean._replace(first=first)], ["net"], 1300).shape == (HEIGHT, 1300, 3)


def tile(sheet, place):
    """Cuts the tile at a place out of a sheet of 16 filters, seven a row."""
    columns, side, margin = 7, (WIDTH + GAP) // 7 - GAP, 6 * GAP
    row, column = divmod(place, columns)
    top, left = margin + HEADING + row * (side + GAP), margin + column * (side + GAP)
    return sheet[top : top + side, left : left + side]


def test_filters_are_sorted_and_marked(planted):
    sheet = filter_sheet([planted], ["planted"])
    assert tile(sheet, 15)[0, 0].tolist() == list(DEAD)
    assert tile(sheet, 14)[0, 0].tolist() == list(ALIASED)
    order = planted.order()
    assert order[-2:].tolist() == [5, 3]
    for place in (0, 13, 15):
        shown, inner = tile(sheet, place), slice(FRAME, -FRAME)
        picture = Image.fromarray(planted.first.pictures[order[place]]).resize(shown.shape[:2], Image.Resampling.NEAREST)
        np.testing.assert_array_equal(shown[inner, inner], np.asarray(picture)[inner, inner])
    np.testing.assert_array_equal(tile(sheet, 0)[0, 0], planted.first.pictures[order[0]][0, 0])


def test_noise_alone_has_a_black_square_in_its_corner(noise):
    sheet = filter_sheet([noise], ["noise"])
    corners = [tile(sheet, place)[-24:-FRAME, -24:-FRAME] for place in range(16)]
    black = [(corner[-8:, -8:] == 0).all() and (corner == 255).all(axis=2).any() for corner in corners]
    assert black == [number < 9 for number in noise.order()] == [False] * 7 + [True] * 9


def test_models_are_side_by_side_and_the_third_below(clean, planted, coarse):
    one, two, three = (filter_sheet(reports, [report.name for report in reports]) for reports in ([clean], [clean, planted], [clean] * 3))
    assert one.shape[1] == two.shape[1] == three.shape[1]
    assert one.shape[0] < two.shape[0] < three.shape[0]
    half = one.shape[1] // 2
    np.testing.assert_array_equal(two[:, :half], filter_sheet([clean, coarse], [clean.name, ""])[:, :half])
    assert (three[two.shape[0] :, half + 6 * GAP :] == 255).all()


def test_what_can_not_be_drawn(clean):
    first = clean.first._replace(channels=12)
    sheet = filter_sheet([clean._replace(first=first, dead=None, second=None, no_second="for a reason")], ["net"])
    assert (sheet[6 * GAP + HEADING + 2 * GAP :, WIDTH + 18 * GAP :] == 255).all()
