import json

import numpy as np
from PIL import Image

from zfnet.components.figures.filters.draw import draw_filters, draw_reports
from zfnet.components.figures.filters.numbers import filter_numbers
from zfnet.components.figures.filters.sheet import filter_sheet


def test_one_model(gratings_net, examples, bars, tmp_path):
    pictures = draw_filters(gratings_net(), examples, tmp_path, maps=4)
    titles = "Measuring", "Searching layer 2", "Projecting layer 2"
    assert [(bar.title, len(bar.items)) for bar in bars] == [(title, bar.total) for title, bar in zip(titles, bars, strict=True)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["filters.json", "filters.png"]
    np.testing.assert_array_equal(pictures["filters"], Image.open(tmp_path / "filters.png"))
    numbers = json.loads((tmp_path / "filters.json").read_text())
    assert list(numbers) == ["pictures", "models", "comparison"]
    assert numbers["pictures"] == ["filters.png"]
    assert numbers["comparison"] == []
    assert list(numbers["models"]) == ["gratings"]
    assert len(numbers["models"]["gratings"]["second_layer"]["maps"]) == 4
    again = draw_filters(gratings_net(), examples, tmp_path, maps=4)
    np.testing.assert_array_equal(again["filters"], pictures["filters"])
    assert json.loads((tmp_path / "filters.json").read_text()) == numbers


def test_several_models(clean, coarse, tmp_path):
    picture = draw_reports([clean, coarse], tmp_path)["filters"]
    numbers = json.loads((tmp_path / "filters.json").read_text())
    assert numbers["models"] == {report.name: json.loads(json.dumps(filter_numbers(report))) for report in (clean, coarse)}
    assert len(numbers["comparison"]) == 5
    layers = filter_sheet([clean, coarse], ["clean", "coarse"])
    np.testing.assert_array_equal(picture[: len(layers)], layers)


def test_models_of_one_name_are_called_by_their_paths(clean, coarse, tmp_path):
    reports = [clean._replace(name="a/net"), coarse._replace(name="b/net")]
    picture = draw_reports(reports, tmp_path)["filters"]
    layers = filter_sheet(reports, ["a/net", "b/net"])
    np.testing.assert_array_equal(picture[: len(layers)], layers)
