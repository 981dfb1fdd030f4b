import keras
import pytest

from zfnet.components.figures.units import named_units, never_positive, unit_name
from zfnet.model import Deconvnet

layers = keras.layers
LABELS = ["cat", "dog", "cup"]


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
