import numpy as np
import pytest

from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.figures.subjects import (
    GIVEN,
    PREDICTED,
    TRUE_LABEL,
    class_name,
    class_number,
    one_of_each_class,
    subjects_of_examples,
    subjects_of_files,
)
from zfnet.components.inputs.centre_crop import read_image
from zfnet.components.inputs.image_input import ImageInput

WIDE = ImageInput(40, 56, False)
LABELS = ["red", "white", "green", "blue"]


def test_examples_with_their_classes_in_the_order_of_the_model(examples):
    found = subjects_of_examples(examples, "validation", 3, 0, WIDE, LABELS, 4)
    assert found.class_source == TRUE_LABEL
    assert [name.split("/")[0] for name in found.names] == [LABELS[place] for place in found.classes]
    assert sorted(found.classes) == [0, 2, 3]
    assert found.squares.shape == (3, 64, 64, 3)
    images = np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=64)])
    ids = read_origins(examples, "validation")[2]
    top, left = found.corner
    for name, square in zip(found.names, found.squares, strict=True):
        np.testing.assert_array_equal(square[top : top + 40, left : left + 56], images[ids.index(name), 8:48])


def test_examples_whose_classes_the_model_does_not_have(examples):
    for labels, outputs in ((["red", "green"], 2), ([], 4), ([], 0)):
        found = subjects_of_examples(examples, "validation", 3, 0, WIDE, labels, outputs)
        assert (found.classes, found.class_source) == (None, PREDICTED)
    found = subjects_of_examples(examples, "validation", 3, 0, WIDE, [], 3)
    assert found.labels == ["blue", "green", "red"]
    assert [found.labels[place] for place in found.classes] == [name.split("/")[0] for name in found.names]


def test_files(folder):
    paths = [str(folder / "red/3.png"), str(folder / "blue/12.png")]
    found = subjects_of_files(paths, WIDE, LABELS, 4)
    assert (found.names, found.classes, found.class_source) == (["3.png", "12.png"], None, PREDICTED)
    top, left = found.corner
    seen = WIDE.crop(np.stack([read_image(path, 56) for path in paths]))
    np.testing.assert_array_equal(found.squares[:, top : top + 40, left : left + 56], seen)
    assert subjects_of_files(paths, WIDE, LABELS, 4, ["green"])[3:5] == ([2, 2], GIVEN)
    assert subjects_of_files(paths, WIDE, LABELS, 4, ["blue", "1"]).classes == [3, 1]


def test_classes_by_name_and_number():
    assert class_number("1", ["1", "0"], 2) == 0  # A name goes before a number.
    assert class_number("1", [], 2) == 1
    assert (class_name(1, LABELS), class_name(1, [])) == ("white", "class 1")
    for name, labels, outputs, message in (
        ("4", LABELS, 4, r"no class '4'; expected the names in labels.txt \(red, white, green, ...\) or a number from 0 to 3"),
        ("-1", [], 4, "expected a number from 0 to 3"),
        ("red", [], 0, "expected none: the model has no classes"),
    ):
        with pytest.raises(ValueError, match=message):
            class_number(name, labels, outputs)


@pytest.fixture(scope="module")
def labels(examples):
    return np.concatenate([labels for _, labels, _ in central_crops(examples, "validation", size=56, batch_size=64)])


def test_different_classes_by_seed(examples, labels):
    chosen = {seed: one_of_each_class(examples, "validation", 2, seed) for seed in range(20)}
    for numbers, classes in chosen.values():
        assert numbers == sorted(numbers)
        assert labels[numbers].tolist() == classes
        assert len(set(classes)) == 2
    assert {label for _, classes in chosen.values() for label in classes} == {0, 1, 2}
    assert len({tuple(numbers) for numbers, _ in chosen.values()}) > 10
    assert chosen[3] == one_of_each_class(examples, "validation", 2, 3)


def test_no_more_than_there_are_classes(examples):
    assert sorted(one_of_each_class(examples, "validation", 9, 0)[1]) == [0, 1, 2]
