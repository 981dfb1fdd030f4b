"""The devices that a training runs on: those of this machine, or of several machines."""

import dataclasses
import hashlib

import numpy as np
import tensorflow as tf

from zfnet.components.training.cluster_task import read_task


class ClusterChangedError(Exception):
    """The processes of a cluster do not train the same thing: one of them came late, and has to ask the chief again."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Where a training runs.

    Args:
        strategy: the replicas, all that take part, on whatever machines.
        chief: whether this process is the one that writes.
        processes: how many there are.
    """

    strategy: tf.distribute.Strategy
    chief: bool
    processes: int

    @property
    def replicas(self) -> int:
        """Number of replicas over all machines."""
        return self.strategy.num_replicas_in_sync

    def agree(self, text: str) -> None:
        """Makes sure that all processes of the cluster have the same text; waits for them.

        Args:
            text: what is to be the same everywhere.

        Raises:
            ClusterChangedError: if it is not.
        """
        if self.processes == 1:
            return
        own = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint16).astype(np.int64)

        @tf.function(autograph=False)
        def compare():
            def on_replica():
                context = tf.distribute.get_replica_context()
                # The sum of squared differences from the mean is 0 where all are equal; whole numbers, so that it is exact.
                total, squares = (context.all_reduce(tf.distribute.ReduceOp.SUM, tf.constant(value)) for value in (own, own**2))
                return tf.reduce_sum(self.replicas * squares - total**2)

            return self.strategy.experimental_local_results(self.strategy.run(on_replica))

        if any(int(result) for result in compare()):
            raise ClusterChangedError("The processes of the cluster were started with different choices, or see different checkpoints.")


def open_cluster(examples: int) -> Cluster:
    """Joins the cluster that the environment variable `TF_CONFIG` describes, or else takes all GPUs of this machine, or else its CPU.

    In a cluster this waits until all its machines are there, and has to come before TensorFlow computes anything.

    Args:
        examples: number of examples of the smaller split; if it is less than the number of this machine's GPUs, one of them is used.

    Returns:
        The cluster.
    """
    task = read_task()
    if task and task.workers > 1:
        return Cluster(tf.distribute.MultiWorkerMirroredStrategy(), task.chief, task.workers)
    strategy = tf.distribute.MirroredStrategy()
    if examples < strategy.num_replicas_in_sync:
        strategy = tf.distribute.MirroredStrategy(strategy.extended.worker_devices[:1])
    return Cluster(strategy, True, 1)
