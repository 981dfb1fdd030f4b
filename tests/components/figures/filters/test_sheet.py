import numpy as np
from PIL import Image

from zfnet.components.figures.filters.sheet import ALIASED, DEAD, FRAME, WIDTH, filter_sheet
from zfnet.components.pictures.sheet import GAP, HEADING


def tile(sheet, place):
    """Of 16 filters, seven a row."""
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
