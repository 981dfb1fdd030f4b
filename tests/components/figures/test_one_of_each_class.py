import numpy as np
import pytest

from zfnet.components.data.batches import central_batches
from zfnet.components.figures.one_of_each_class import one_of_each_class


@pytest.fixture(scope="module")
def labels(examples):
    return np.concatenate([labels for _, labels, _ in central_batches(examples, "validation", size=56, batch_size=64)])


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
