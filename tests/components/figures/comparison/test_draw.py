import json

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from zfnet.components.figures.comparison.draw import COLOURS, GAP, draw_comparison
from zfnet.components.figures.comparison.table import ComparedNet

WIDER = ComparedNet("zfnet-small:conv3.filters=256,conv4.filters=512", 4_000_000, 0.1, 0.0, 0.4, 0.1, 83.1, 10, "m", "t")
NARROW = ComparedNet("zfnet-small", 3_000_000, 0.2, 0.0, 0.3, 0.1, 80.0, 10, "m", "t")
FAILED = ComparedNet("alexnet-small", message="It cost $5, and then $6.")


def lengths(picture: np.ndarray, kind: str) -> list[int]:
    """Pixels of each bar of a colour, from the top."""
    colour = np.rint(255 * np.array(to_rgb(COLOURS[kind])))
    # The line of the gap and the grid lie over some of the pixels, and the legend is below.
    rows = (np.abs(picture - colour).max(axis=2) < 25).sum(axis=1)[: -picture.shape[0] // 6]
    bars = np.split(rows, np.flatnonzero(np.diff((rows > 20).astype(int))) + 1)
    return [int(bar.max()) for bar in bars if bar.max() > 20]


@pytest.fixture
def draw(tmp_path):
    def draw(*nets):
        figure = draw_comparison(nets, classes=15, title="birds, 10 $ epochs $", further={"data": "birds"})
        figure.save(tmp_path)
        return figure.pictures

    return draw


def test_bars_are_as_long_as_the_errors(draw, tmp_path):
    picture = draw(NARROW, FAILED, WIDER)["compare"]
    assert picture.shape[1] == 1200
    with Image.open(tmp_path / "compare.png") as saved:
        np.testing.assert_array_equal(saved, picture)
    training, validation = lengths(picture, "training"), lengths(picture, "validation")
    unit = validation[0] / 0.3
    assert np.divide(validation, unit) == pytest.approx([0.3, 0.4], abs=0.01)
    assert np.divide(training, unit) == pytest.approx([0.2, 0.1], abs=0.01)
    # The line of the gap, which is drawn by numbers of its own, goes from the end of one bar to that of the other.
    red = np.abs(picture - np.rint(255 * np.array(to_rgb(GAP)))).max(axis=2) < 60
    line = max(len(run) for row in red for run in "".join(np.where(row, "#", " ")).split())
    assert line == pytest.approx(0.3 * unit, abs=6)


def test_numbers_are_in_the_json(draw, tmp_path):
    draw(WIDER, FAILED)
    numbers = json.loads((tmp_path / "compare.json").read_text())
    assert (numbers["data"], numbers["classes"], numbers["pictures"]) == ("birds", 15, ["compare.png"])
    wider, failed = numbers["architectures"]
    assert (wider["training_top1_error"], wider["validation_top1_error"], wider["gap"]) == (0.1, 0.4, pytest.approx(0.3))
    assert (wider["status"], failed["status"], failed["message"]) == ("done", "failed", FAILED.message)
    assert wider["hyperparameters"]["conv4"] == 512
    assert (tmp_path / "compare.md").read_text().startswith("birds, 10 $ epochs $\n\n| error |")


def test_without_errors_there_are_no_bars(draw, tmp_path):
    assert draw(FAILED) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.csv", "compare.json", "compare.md"]


def test_nets_that_are_never_wrong_can_be_drawn(draw):
    picture = draw(ComparedNet("zfnet-small", 3, 0.0, 0.0, 0.0, 0.0, 80.0, 10, "m", "t"))["compare"]
    assert lengths(picture, "validation") == []
