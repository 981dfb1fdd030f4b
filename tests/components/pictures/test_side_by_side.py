import numpy as np

from zfnet.components.pictures.side_by_side import LEAST, TITLE, side_by_side


def test_sheets_of_unlike_sizes_stand_whole_beside_each_other():
    sheets = [np.full((90, 400, 3), (200, 10, 10), np.uint8), np.full((50, 300, 3), (10, 10, 200), np.uint8)]
    picture = side_by_side(sheets, ["red", "blue"])
    assert picture.shape == (2 * TITLE + 90, 700, 3)
    np.testing.assert_array_equal(picture[2 * TITLE :, 3:400], sheets[0][:, 3:])
    np.testing.assert_array_equal(picture[2 * TITLE : 2 * TITLE + 50, 403:], sheets[1][:, 3:])
    assert (picture[: 2 * TITLE] < 100).any()


def test_a_long_title_gets_room_and_one_may_stand_alone():
    picture = side_by_side([np.zeros((10, 20, 3), np.uint8), None], ["a title that is wider than its sheet", "nothing"])
    assert picture.shape[1] > 20 + LEAST
    assert (picture[:, -LEAST + 5 :][2 * TITLE :] == 255).all()
