import dataclasses

import numpy as np
import pytest

from zfnet.components.figures.mistakes.classes import SHOWN, draw_classes

BRIGHTNESS = {
    "blue": {"mean": 110.0, "brightest": 240},
    "green": {"mean": 130.0, "brightest": 250},
    "red": {"mean": 90.0, "brightest": 250},
}


def entry(name, error, examples=20):
    return {"class": name, "examples": examples, "top1_error": error}


@pytest.fixture(scope="module")
def images(gratings_net, search_of):
    return search_of(gratings_net()).images


def measured(images, **changed):
    return [(BRIGHTNESS | changed)[name] for name in images.labels]


def test_the_worst_class_first_with_its_brightness(images):
    figure = draw_classes(images, [entry("blue", 0.1), entry("green", None, examples=0), entry("red", 0.5)], measured(images))
    rows = figure.numbers["classes"]
    assert [(row["class"], row["brightness"], row["dark"]) for row in rows] == [
        ("red", BRIGHTNESS["red"], False),
        ("blue", BRIGHTNESS["blue"], False),
    ]


def test_at_most_ten_examples_of_each_class_are_read(images):
    read = []

    def recorded(title, numbers):
        read.extend(images.origins.labels[sorted(numbers)])
        return images.batches(title, numbers)

    draw_classes(dataclasses.replace(images, batches=recorded), [entry("red", 0.5), entry("blue", 0.1)], measured(images))
    counts = np.bincount(images.origins.labels)
    expected = {images.labels.index(name): min(SHOWN, counts[images.labels.index(name)]) for name in ("red", "blue")}
    assert {label: read.count(label) for label in set(read)} == expected


def test_the_class_that_the_validator_reports_is_called_dark(images):
    dark = {"mean": 30.0, "brightest": 90}
    found = draw_classes(images, [entry(name, 0.5) for name in images.labels], measured(images, red=dark))
    assert [row["class"] for row in found.numbers["classes"] if row["dark"]] == ["red"]
    assert (
        found.pictures["classes"]
        != draw_classes(images, [entry(name, 0.5) for name in images.labels], measured(images)).pictures["classes"]
    ).any()


def test_a_class_without_training_images_has_no_brightness(images):
    figure = draw_classes(images, [entry("red", 0.5)], measured(images, red=None))
    assert figure.numbers["classes"][0]["brightness"] is None


def test_no_examples(images):
    with pytest.raises(ValueError, match="No class has an example"):
        draw_classes(images, [entry("red", None, examples=0)], measured(images))
