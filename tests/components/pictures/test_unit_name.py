import keras

from zfnet.components.pictures.unit_name import unit_name
from zfnet.model import Deconvnet

layers = keras.layers
LABELS = ["cat", "dog", "cup"]


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
