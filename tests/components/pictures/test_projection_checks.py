import numpy as np
import pytest

from zfnet.components.pictures.projection_checks import (
    BAR,
    DOUBTFUL,
    MARKED,
    TEXT,
    TRACK,
    WRITTEN,
    bars_note,
    check_bars,
    check_words,
    checks_note,
    is_doubtful,
    layer_numbers,
    layer_rows,
    percent,
)
from zfnet.model.measures.shuffled_weights import LayerCheck, Likeness

CHECK = LayerCheck(
    ["conv1", "conv2"],
    [Likeness(0.1, 0.2, 0.3), Likeness(0.4, 0.5, np.nan)],
    [Likeness(0.15, 0.25, 0.35), Likeness(0.4, 0.5, np.nan)],
    [Likeness(0.1, 0.2, 0.3), Likeness(0.15, np.nan, 0.35)],
)


def lengths(fall, elsewhere, width=200):
    bars = check_bars({"fall": fall, "fall_elsewhere": elsewhere}, width)
    return [int(np.any(row != TRACK, axis=-1).sum()) for row in (bars[0], bars[BAR + 1])]


@pytest.mark.parametrize(
    ("fall", "elsewhere", "expected"),
    [(0.5, 0.25, [100, 50]), (1.7, 0.004, [200, 1]), (-0.3, 0, [BAR, 0]), (0.2, 0, [40, 0]), (None, 1, [0, 200])],
)
def test_bars_are_as_long_as_the_falls(fall, elsewhere, expected):
    assert lengths(fall, elsewhere) == expected


def test_the_dark_bar_is_the_marked_one():
    bars = check_bars({"fall": 1, "fall_elsewhere": 0.89}, 50)
    assert (bars[:BAR] == MARKED).all()
    assert (bars[BAR + 1 :] != MARKED).all()


def test_the_marked_bar_is_red_if_it_is_hardly_longer():
    bars = check_bars({"fall": 1, "fall_elsewhere": 0.91}, 50)
    assert (bars[:BAR] == DOUBTFUL).all()
    assert (bars[BAR + 1 :] != DOUBTFUL).all(axis=-1).any()
    doubt = "; do not believe the marks"
    shares = {"fall": 0.4, "fall_elsewhere": 0.05}
    assert check_words(shares | {"fifth": shares}).endswith("a fifth: falls 40 %, others: falls 5 %")
    assert check_words({"fall": 0.4, "fall_elsewhere": 0.31, "fifth": shares}).endswith("a fifth: falls 40 %, others: falls 5 %" + doubt)


def test_a_rise_is_no_fall():
    assert is_doubtful({"fall": -0.1, "fall_elsewhere": -0.3})
    assert is_doubtful({"fall": 0.05, "fall_elsewhere": -0.3})
    assert not is_doubtful({"fall": 0.15, "fall_elsewhere": -0.3})
    unknown = {"fall": None, "fall_elsewhere": None}
    words = check_words({"fall": -0.1, "fall_elsewhere": -0.3, "fifth": unknown})
    assert "it rises 10 %, without others it rises 30 %" in words


def test_numbers_beside_the_bars():
    written = check_bars({"fall": 1, "fall_elsewhere": None}, 224, written=True)
    assert (written[:WRITTEN, : 224 - TEXT] == MARKED).all()
    assert (written[WRITTEN + 1 :, : 224 - TEXT] == TRACK).all()
    for rows in (written[:WRITTEN, 224 - TEXT :], written[WRITTEN + 1 :, 224 - TEXT :]):
        letters = np.flatnonzero((rows < 128).all(-1).any(axis=0))
        assert len(letters) > 30
        assert letters[0] > 1  # The text has room.


def test_numbers_and_rows_of_layers():
    numbers = layer_numbers(CHECK)
    assert list(numbers) == ["alone", "above", "below"]
    assert numbers["alone"]["conv2"] == {"pattern": 0.4, "places": 0.5, "ssim": None}
    assert layer_rows(CHECK)[1:] == [
        ["conv1", "0.10 0.20 0.30", "0.15 0.25 0.35", "0.10 0.20 0.30"],
        ["conv2", "0.40 0.50 nan", "0.40 0.50 nan", "0.15 nan 0.35"],
    ]


def test_the_note_has_the_likeness_with_all_layers_shuffled():
    assert checks_note(layer_numbers(CHECK)).endswith("shuffled (1 is equal, 0 unrelated): pattern 0.15, places unknown.")
    assert checks_note(layer_numbers(LayerCheck([], [], [], []))) == bars_note()


def test_shares_in_words():
    assert [percent(value) for value in (0.826, -0.1, -0.001, None)] == ["83 %", "-10 %", "0 %", "unknown"]
