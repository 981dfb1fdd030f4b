"""The devices that a training runs on: those of this machine, or of several machines."""

import dataclasses

import tensorflow as tf

from zfnet.components.training.cluster_task import read_task


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Where a training runs.

    Args:
        strategy: the replicas, all that take part, on whatever machines.
        chief: whether this process is the one that writes.
    """

    strategy: tf.distribute.Strategy
    chief: bool

    @property
    def replicas(self) -> int:
        """Number of replicas over all machines."""
        return self.strategy.num_replicas_in_sync


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
        return Cluster(tf.distribute.MultiWorkerMirroredStrategy(), task.chief)
    strategy = tf.distribute.MirroredStrategy()
    if examples < strategy.num_replicas_in_sync:
        strategy = tf.distribute.MirroredStrategy(strategy.extended.worker_devices[:1])
    return Cluster(strategy, True)
