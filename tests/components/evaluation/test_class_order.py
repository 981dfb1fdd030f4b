import pytest

from zfnet.components.evaluation.class_order import class_order


def test_places_by_name():
    assert class_order("net", ["a", "b", "c"], ["c", "a", "b"]) == [2, 0, 1]


def test_the_same_order_needs_no_different_names():
    assert class_order("net", ["crane", "crane"], ["crane", "crane"]) == [0, 1]


@pytest.mark.parametrize(
    ("known", "wanted", "message"),
    [
        (["a", "b"], ["a", "c"], r"There is a class that net does not know: 'c'\. Expected the same classes, in any order"),
        (["a", "b", "c"], ["b", "a"], "There is a class that the data, unlike net, does not have: 'c'"),
        (["a"], ["z", "y", "x", "w", "a"], r"There are 4 classes that net does not know: 'z', 'y', 'x', \.\.\."),
        (["crane", "a", "crane"], ["crane", "crane", "a"], "'crane' is the name of several classes"),
        (["crane", "a"], ["a", "crane", "crane"], "'crane' is the name of several classes"),
    ],
)
def test_classes_that_do_not_match_are_named(known, wanted, message):
    with pytest.raises(ValueError, match=message):
        class_order("net", known, wanted)
