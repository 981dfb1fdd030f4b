import numpy as np
import pytest

from zfnet.components.data.batches import central_batches
from zfnet.components.evaluation.full_batches import full_batch_size, full_batches


@pytest.mark.parametrize("replicas", [1, 2, 3, 4])
@pytest.mark.parametrize("examples", [1, 3, 7, 64, 65, 128, 750, 50_000])
def test_shares_are_whole_and_padding_is_less_than_it_could_be(examples, replicas):
    size = full_batch_size(examples, 64, replicas)
    batches = -(-examples // size)
    assert size % replicas == 0
    assert size // replicas <= 64
    assert batches == -(-examples // (64 * replicas))
    assert size * batches - examples < batches * replicas


def test_every_example_once_and_the_rest_black(examples):
    count = examples.count("validation")
    whole = next(iter(central_batches(examples, "validation", size=64, batch_size=count)))
    assert count % 4
    found = list(full_batches([(examples, 64), (examples, 56)], "validation", 4).as_numpy_iterator())
    assert {images[0].shape for images, _, _ in found} == {(4, 64, 64, 3)}
    images, smaller, labels, counted = (
        np.concatenate([part(batch) for batch in found]) for part in (lambda b: b[0][0], lambda b: b[0][1], lambda b: b[1], lambda b: b[2])
    )
    assert counted.tolist() == [True] * count + [False] * (len(counted) - count)
    np.testing.assert_array_equal(images[counted], whole[0])
    np.testing.assert_array_equal(smaller[counted], whole[0][:, 4:60, 4:60])
    np.testing.assert_array_equal(labels[counted], whole[1])
    assert not images[~counted].any()
