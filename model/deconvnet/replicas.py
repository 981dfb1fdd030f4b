"""One batch shared out among the replicas of a distribution strategy."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from zfnet.model.deconvnet.passes import Passes


def on_replicas(passes: Passes, key: Hashable, function: Callable, images: tf.Tensor) -> Iterator[tuple[int, Any]]:
    """Runs a function of images on every replica of the strategy in whose scope this is called.

    Args:
        passes: keeps what is compiled.
        key: what tells the function from others.
        function: takes a batch of images, and returns tensors of one row an image.
        images: tensor `(N, ...)`.

    Yields:
        For each replica, the number of its first image, and what the function returned. Shares are equal: the last replicas may
        repeat the last image, in rows beyond N.
    """
    strategy = tf.distribute.get_strategy()
    replicas, count = strategy.num_replicas_in_sync, len(images)
    if replicas == 1:
        yield 0, passes.run(key, function, images)
        return
    share = -(-count // replicas)
    rows = tf.minimum(tf.reshape(tf.range(replicas * share), (replicas, share)), count - 1)
    shares = strategy.experimental_distribute_values_from_function(
        lambda context: tf.gather(images, rows[context.replica_id_in_sync_group])
    )
    # One graph that holds the calls of all replicas runs them side by side.
    run = passes.once(
        ("replicas", id(strategy), key),
        lambda: tf.function(lambda values: strategy.run(function, args=(values,)), reduce_retracing=True, autograph=False),
    )
    results = tf.nest.map_structure(strategy.experimental_local_results, run(shares))
    for replica in range(replicas):
        if replica * share < count:
            yield replica * share, _of_replica(results, replica)


def _of_replica(results, replica):
    if isinstance(results, list):
        return [_of_replica(result, replica) for result in results]
    return results[replica]
