"""Panels of inputs of every kind: each part is drawn at its place."""

import numpy as np
import pytest

from zfnet.components.pictures import input_panels
from zfnet.components.pictures.input_panels import CELL, CURVE, PICTURE, TILE, SeenInput, input_chart, input_rows

RED, BLUE = (192, 57, 43), (46, 109, 164)


def share(picture, colour):
    """Share of the pixels that have about this colour."""
    return (np.abs(picture.astype(int) - colour).max(axis=2) < 12).mean()


def signal(projection, corner=(20,)):
    values = np.sin(np.linspace(0, 30, 200))[:, None]
    return SeenInput("", values, values[corner[0] : corner[0] + len(projection)], projection, corner)


def test_the_parts_of_a_projection_have_their_colours():
    ups, downs = (input_chart(signal(sign * np.ones((40, 1)))) for sign in (1, -1))
    assert ups.shape == (3 * CURVE, CELL, 3)
    assert share(ups, RED) > 0.05 > share(ups, BLUE)
    assert share(downs, BLUE) > 0.05 > share(downs, RED)


def test_the_window_of_a_signal_is_where_it_lies():
    pictures = [input_chart(signal(np.zeros((40, 1)), (start,)))[:CURVE] for start in (0, 150)]
    shaded = [np.flatnonzero((np.abs(each.astype(int) - (248, 223, 157)).max(axis=2) < 20).any(axis=0)) for each in pictures]
    assert shaded[0].max() < CELL / 2 < shaded[1].min()
    # A whole signal has no window.
    values = np.ones((200, 1))
    assert input_chart(SeenInput("", values, values, values, (0,))).shape == (2 * CURVE, CELL, 3)


def test_planes_of_a_volume_go_through_the_largest_value(monkeypatch):
    drawn = []
    monkeypatch.setattr(input_panels, "_picture", lambda plane, *rest: drawn.append(plane) or np.zeros((2, 2, 3), np.uint8))
    values = np.random.default_rng(0).normal(size=(8, 9, 10, 1))
    projection = np.zeros((4, 3, 5, 1))
    projection[1, 2, 3] = -5
    seen = SeenInput("", values, values[2:6, 3:6, 1:6], projection, (2, 3, 1))
    assert input_chart(seen).shape == (3 * PICTURE, CELL, 3)
    # The largest value of the window is at (3, 5, 4) of the volume.
    expected = [values[3], values[:, 5], values[:, :, 4], seen.patch[1], seen.patch[:, 2], seen.patch[:, :, 3]]
    expected += [projection[1], projection[:, 2], projection[:, :, 3]]
    for one, other in zip(drawn, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_picture_of_seven_channels_shows_the_one_that_matters():
    random = np.random.default_rng(0)
    values, projection = random.uniform(0, 1, (6, 5, 7)), np.zeros((6, 5, 7))
    projection[2, 3, 4] = 1
    seen = SeenInput("", values, values, projection, (0, 0))
    grey = input_panels._picture(values, seen, 0.0, 1.0)
    np.testing.assert_array_equal(grey, np.repeat(np.rint(255 * values[..., 4, None]), 3, axis=2))
    # Zero is grey in a projection.
    assert input_panels._picture(projection, seen, -1.0, 1.0)[0, 0].tolist() == [128] * 3


@pytest.mark.parametrize(("shape", "rows"), [((5,), 2), ((90,), 2), ((30, 2), 2), ((8, 9, 3), 4), ((6, 7, 8, 1), 12)])
def test_rows_of_a_gallery(shape, rows):
    values = np.random.default_rng(0).normal(size=shape)
    seen = SeenInput("", values, values, values, (0,) * (len(shape) - 1))
    picture = input_rows([seen, seen], 9)
    assert picture.shape == (rows * TILE // 2, 9 * TILE, 3)
    # Two examples of nine places; the others are blank.
    assert (picture[:, : 2 * TILE] < 255).any()
    assert (picture[:, 3 * TILE :] == 255).all()
    assert input_chart(seen).shape[1:] == (CELL, 3)
