import numpy as np

from zfnet.components.figures.distinct_places import distinct_places


def choose(boxes, count=9, photographs=None):
    return distinct_places(photographs or ["one"] * len(boxes), np.array(boxes), count)


def test_a_half_shared_is_still_another_place():
    assert choose([(0, 0, 8, 8), (0, 4, 8, 12)]) == [0, 1]
    assert choose([(0, 0, 8, 8), (0, 3, 8, 11)]) == [0]


def test_the_smaller_of_two_counts():
    assert choose([(0, 0, 20, 20), (0, 0, 4, 4)]) == [0]
    assert choose([(0, 0, 4, 4), (0, 0, 20, 20)]) == [0]


def test_a_passed_over_image_does_not_bar_others():
    # The third overlaps the second only, which is not shown.
    assert choose([(0, 0, 8, 8), (0, 3, 8, 11), (0, 6, 8, 14)]) == [0, 2]


def test_same_box_of_other_photographs_is_another_place():
    assert choose([(0, 0, 8, 8)] * 3, photographs=["one", "two", "one"]) == [0, 1]


def test_stops_at_the_count():
    assert choose([(0, 10 * i, 8, 10 * i + 8) for i in range(5)], count=3) == [0, 1, 2]
