import keras
import numpy as np
import pytest

from zfnet.components.figures.units import checked_units, named_units, never_positive, unit_name, varied_maps
from zfnet.model import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest

layers = keras.layers
LABELS = ["cat", "dog", "cup"]
# Nine examples of each of four classes, each from a photograph of its own class or of none.
CLASSES = np.repeat(np.arange(4), 9)
PHOTOGRAPHS = [f"photograph {number // 3}" for number in range(36)]


@pytest.fixture(scope="module")
def deconvnet():
    layers = keras.layers
    block = keras.Sequential([keras.Input((6, 7, 3)), layers.Conv2D(5, 3, name="conv")], name="block")
    below = [layers.Conv2D(3, 3, name="conv"), block, layers.Flatten(), layers.Dense(2, name="hidden")]
    return Deconvnet(keras.Sequential([keras.Input((8, 9, 3)), *below, layers.Dense(3, activation="softmax", name="classes")]))


def test_maps_units_and_classes_are_found_whatever_slashes_their_names_have(deconvnet):
    names = ["block/conv/4", "classes/a/b", "block/conv/0", "classes/0", "block/conv/4"]
    assert named_units(deconvnet, names, ["cat", "dog", "a/b"]) == {"block/conv": [0, 4], "classes": [0, 2]}
    assert [deconvnet.graph.unit_count(layer) for layer in ("block/conv", "hidden", "classes")] == [5, 2, 3]


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("hidden", [], "'hidden' names no map: expected LAYER/NUMBER, such as hidden/0"),
        ("hiden/0", [], "no layer 'hiden' to look at. Did you mean hidden"),
        ("block/conv/5", [], "no map block/conv/5: the layer has 5, counted from 0"),
        ("block/conv/cat", ["cat", "dog", "bird"], "expected a number from 0 to 4, since its units are no classes"),
        ("classes/cat", [], "the names of the classes are not known"),
        ("classes/cow", ["cat", "dog", "bird"], "no class 'cow' for classes; there are cat, dog, bird."),
    ],
)
def test_what_is_not_there_is_named(deconvnet, name, labels, message):
    with pytest.raises(ValueError, match=message):
        named_units(deconvnet, [name], labels)


def test_units_that_a_gallery_can_not_show():
    numbers = {"conv": {"dead_maps": [1, 7]}, "fc": {"dead_maps": []}}
    assert never_positive({"conv": [0, 1], "fc": [1]}, numbers) == ["conv/1"]


def test_maps_units_and_classes():
    deconvnet = Deconvnet(
        keras.Sequential(
            [
                keras.Input((8, 10, 3)),
                layers.Conv2D(3, 3, name="conv"),
                layers.Flatten(),
                layers.Dense(3, name="hidden"),
                layers.Dense(3, name="logits"),
                layers.Softmax(name="classes"),
            ]
        )
    )
    assert unit_name(deconvnet, "conv", 1, LABELS) == "conv, map 1"
    assert unit_name(deconvnet, "hidden", 1, LABELS) == "hidden, unit 1"
    # A softmax's name stands for the logits below it.
    assert unit_name(deconvnet, "logits", 1, LABELS) == "logits, unit 1 (dog)"
    assert unit_name(deconvnet, "classes", 2, LABELS) == "classes, unit 2 (cup)"
    assert unit_name(deconvnet, "classes", 2) == "classes, unit 2"
    assert unit_name(deconvnet, "classes", 2, LABELS[:2]) == "classes, unit 2"


@pytest.mark.parametrize("reverse", [False, True])
def test_a_box_has_no_classes_even_of_as_many_numbers(reverse):
    image = keras.Input((6, 7, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    heads = [layers.Dense(3, "softmax", name="classes")(pooled), layers.Dense(3, name="box")(pooled)]
    deconvnet = Deconvnet(keras.Model(image, heads[::-1] if reverse else heads))
    assert unit_name(deconvnet, "classes", 1, LABELS) == "classes, unit 1 (dog)"
    assert unit_name(deconvnet, "box", 1, LABELS) == "box, unit 1"


def found(*maps):
    """Of each map how many of its nine come from the classes, in their order, and how strong these are."""
    examples = [[9 * label + place for label, count in enumerate(counts) for place in range(count)] for counts, _ in maps]
    values = np.array([np.full(9, strength, np.float32) for _, strength in maps])
    return Strongest(values, np.array(examples), np.zeros((len(maps), 9, 2), int))


def chosen(strongest, count=2, agreeing=True, shown=None, places=None, labels=CLASSES, photographs=PHOTOGRAPHS):
    places = places or {unit: list(range(9)) for unit in range(len(strongest.values))}
    return varied_maps(strongest, places, labels, photographs, count, agreeing=agreeing, shown=shown or {})


def units(*arguments, **options):
    return [each.unit for each in chosen(*arguments, **options)]


def test_no_class_twice_while_there_are_others():
    bricks_and_a_cat = found(((9, 0, 0, 0), 9.0), ((9, 0, 0, 0), 8.0), ((8, 1, 0, 0), 7.0), ((0, 0, 5, 4), 7.0))
    assert units(bricks_and_a_cat) == [0, 3]
    # If there are no others, those of other photographs, then those of other numbers.
    assert units(bricks_and_a_cat, 9) == [0, 3, 1, 2]


def test_what_agrees_comes_before_what_is_strong():
    strongest = found(((3, 2, 2, 2), 9.0), ((1, 6, 1, 1), 8.0), ((2, 1, 3, 3), 7.0))
    assert units(strongest) == [1, 0]
    assert units(strongest, agreeing=False) == [0, 1]
    assert units(found(((4, 2, 2, 1), 8.0), ((2, 4, 2, 1), 9.0), ((2, 2, 4, 1), 7.0)), 3) == [1, 0, 2]


def test_the_weaker_half_comes_last():
    agreeing_but_weak = found(((5, 2, 2, 0), 9.0), ((2, 4, 3, 0), 8.0), ((0, 0, 9, 0), 0.1))
    assert units(agreeing_but_weak, 3) == [0, 1, 2]


def test_a_class_that_is_shown_elsewhere_counts_less():
    strongest = found(((6, 3, 0, 0), 9.0), ((0, 6, 3, 0), 8.0), ((0, 3, 4, 2), 7.0), ((3, 2, 2, 2), 1.0))
    assert units(strongest, 1) == [0]
    assert units(strongest, 1, shown={0: 1}) == [1]
    assert units(strongest, 1, shown={0: 1, 1: 1}) == [0]  # Five of nine are still more than four.
    assert units(strongest, 1, shown={0: 3, 1: 2}, agreeing=False) == [0]


def test_maps_with_nine_to_show_come_first():
    strongest = found(((9, 0, 0, 0), 9.0), ((4, 5, 0, 0), 8.0))
    assert units(strongest, places={0: [0, 1], 1: list(range(9))}, agreeing=False) == [1, 0]


def test_of_one_class_other_photographs_are_chosen_and_then_others():
    one_class, names = np.zeros(36, int), ["wall"] * 9 + ["cup"] * 27
    strongest = found(((9, 0, 0, 0), 9.0), ((8, 1, 0, 0), 8.0), ((0, 9, 0, 0), 7.0), ((0, 0, 9, 0), 6.0))
    assert units(strongest, 1, labels=one_class, photographs=names) == [0]
    assert units(strongest, 2, labels=one_class, photographs=names, agreeing=False) == [0, 2]
    assert units(strongest, 4, labels=one_class, photographs=names, agreeing=False) == [0, 2, 1, 3]


def test_equals_are_taken_by_their_numbers():
    equal = found(*[((3, 6, 0, 0), 1.0)] * 3, *[((6, 3, 0, 0), 1.0)] * 3)
    assert units(equal) == units(equal, places={unit: list(range(9)) for unit in (5, 4, 3, 2, 1, 0)}) == [0, 3]


def test_what_is_told_of_a_map():
    (best,) = chosen(found(((4, 4, 1, 0), 2.5)), 1)
    assert best == (0, list(range(9)), 0, 4, "photograph 0", 2.5)  # Of equal classes, that of the strongest.
    (best,) = chosen(found(((4, 4, 1, 0), 2.5)), 1, places={0: [4, 5, 8]})
    assert (best.ranks, best.label, best.votes, best.photograph) == ([4, 5, 8], 1, 2, "photograph 3")


def test_no_map_at_all():
    assert varied_maps(Strongest.none(3, 9, 2), {}, CLASSES, PHOTOGRAPHS, 3, agreeing=True, shown={}) == []


def test_numbers_of_units_are_checked():
    assert checked_units([7, 0, 7], "conv3", 8) == [0, 7]
    for wrong in ([3, 8], [-1]):
        with pytest.raises(ValueError, match=rf"There is no unit {wrong[-1]} in layer 'conv3'; it has units 0 to 7\."):
            checked_units(wrong, "conv3", 8)
