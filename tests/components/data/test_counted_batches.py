import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.data.batches import central_batches
from zfnet.components.data.counted_batches import counted_batches, full_batch_size

SIZE = 56


@pytest.mark.parametrize("replicas", [1, 2, 3, 4])
@pytest.mark.parametrize("examples", [1, 3, 7, 64, 65, 128, 750, 50_000])
def test_shares_are_whole_and_padding_is_less_than_it_could_be(examples, replicas):
    size = full_batch_size(examples, 64, replicas)
    batches = -(-examples // size)
    assert size % replicas == 0
    assert size // replicas <= 64
    assert batches == -(-examples // (64 * replicas))
    assert size * batches - examples < batches * replicas


@pytest.mark.parametrize(("batch_size", "pipelines", "replicas"), [(8, 1, 1), (8, 1, 4), (8, 2, 4), (16, 4, 4), (4, 2, 2)])
def test_counted_batches_share_every_example_once(examples, batch_size, pipelines, replicas):
    # 23 examples: a remainder whatever the batch.
    count = examples.count("validation")
    parts = [
        list(
            counted_batches(
                examples,
                "validation",
                size=SIZE,
                batch_size=batch_size,
                context=tf.distribute.InputContext(pipelines, number, replicas),
            )
        )
        for number in range(pipelines)
    ]
    each = replicas // pipelines
    assert {len(part) for part in parts} == {-(-count // batch_size) * each}
    assert {len(images) for part in parts for images, _, _ in part} == {batch_size // replicas}
    ordered = [batch for first in range(0, len(parts[0]), each) for part in parts for batch in part[first : first + each]]
    counted = np.concatenate([counted for _, _, counted in ordered])
    images = np.concatenate([images for images, _, _ in ordered])
    assert counted.tolist() == [True] * count + [False] * (len(counted) - count)
    assert not images[count:].any()
    whole = next(iter(central_batches(examples, "validation", size=SIZE, batch_size=count)))
    np.testing.assert_array_equal(images[:count], whole[0])
    np.testing.assert_array_equal(np.concatenate([labels for _, labels, _ in ordered])[:count], whole[1])
