import dataclasses

import numpy as np
import pytest

from zfnet.components.data.batches import central_crops
from zfnet.components.figures.mistakes.classes import MEASURED, draw_classes


def entry(name, error, examples=20):
    return {"class": name, "examples": examples, "top1_error": error}


@pytest.fixture(scope="module")
def images(gratings_net, search_of):
    return search_of(gratings_net()).images


def test_the_worst_class_first_with_its_brightness(images, examples):
    figure = draw_classes(images, [entry("blue", 0.1), entry("green", None, examples=0), entry("red", 0.5)])
    rows = figure.numbers["classes"]
    assert [row["class"] for row in rows] == ["red", "blue"]
    squares, labels = zip(
        *((batch[:, 8:48], label) for batch, label, _ in central_crops(examples, "validation", size=56, batch_size=1)), strict=True
    )
    squares, labels = np.concatenate(squares), np.concatenate(labels)
    for row in rows:
        own = squares[labels == examples.labels.index(row["class"])]
        assert 0 < len(own) <= MEASURED
        assert row["brightness"] == pytest.approx(own.mean(), rel=1e-4)
    assert not any(row["dark"] for row in rows)


def test_a_dark_class_is_called_dark(images):
    red = images.labels.index("red")

    def darker(title, numbers):
        for batch, places in images.batches(title, numbers):
            yield np.where((images.origins.labels[places] == red)[:, None, None, None], 0.2, 1) * batch, places

    found = draw_classes(dataclasses.replace(images, batches=darker), [entry(name, 0.5) for name in images.labels])
    assert [row["class"] for row in found.numbers["classes"] if row["dark"]] == ["red"]


def test_no_examples(images):
    with pytest.raises(ValueError, match="No class has an example"):
        draw_classes(images, [entry("red", None, examples=0)])
