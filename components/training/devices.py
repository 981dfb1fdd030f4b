"""The devices that a training runs on, those of this machine or of several machines, and the precision that they compute in."""

import contextlib
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.training.cluster_task import read_task

NVIDIA_DRIVER = pathlib.Path("/proc/driver/nvidia/version")
MIXED = "mixed_bfloat16"
# NVIDIA's GPUs multiply bfloat16 faster than float32 from this compute capability on (Ampere).
BFLOAT16_SINCE = (8, 0)


def training_devices(replicas: int, for_gpus: Sequence[str] = (), driver: pathlib.Path = NVIDIA_DRIVER) -> str:
    """Describes the devices of a training in a line; a longer one if there is no GPU, and one was expected.

    `replicas` counts the devices of all machines that share a step. A GPU is expected if there is the file that NVIDIA's driver makes, or
    if the user gave options that only help on GPUs, `for_gpus`.

    Examples:
        >>> training_devices(1)
        'Training on the CPU.'
    """
    if gpus := tf.config.list_physical_devices("GPU"):
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
        return f"Training on {replicas} x {name}."
    said = ["Training on the CPU." if replicas == 1 else f"Training on {replicas} replicas of CPUs."]
    if driver.exists():
        said.append("TensorFlow can't use the NVIDIA GPU. Install its libraries with the extra `gpu`: pip install --editable '.[gpu]'.")
    if for_gpus:
        said.append(f"On a CPU, training is slower with {' and '.join(for_gpus)}.")
    return " ".join(said)


def choose_mixed_precision(choice: bool | None) -> bool:
    """Whether to compute in bfloat16, with weights and sums in float32: the user's choice, or if open, where every GPU is fast at it."""
    if choice is not None:
        return choice
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return bool(details) and all(detail.get("compute_capability", (0, 0)) >= BFLOAT16_SINCE for detail in details)


def choose_xla(choice: bool | None, deterministic: bool) -> bool:
    """Whether to compile a training step with XLA: the user's choice, or if open, where there is a GPU. On a CPU it is slower.

    A `deterministic` training leaves it off by default: XLA has no gradient of max pooling that gives the same bits each time.
    """
    return bool(tf.config.list_physical_devices("GPU")) and not deterministic if choice is None else choice


@contextlib.contextmanager
def precision(mixed: bool) -> Iterator[None]:
    """Layers that are built in the `with` statement compute in bfloat16 if `mixed`, else as always."""
    before = keras.config.dtype_policy()
    if mixed:
        keras.config.set_dtype_policy(MIXED)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class ClusterChangedError(Exception):
    """The processes of a cluster train different things: one of them came late, and has to read the chief's call again."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Replicas of a training on all machines, whether this process writes the files (`chief`), and the number of processes."""

    strategy: tf.distribute.Strategy
    chief: bool
    processes: int

    @property
    def replicas(self) -> int:
        """Number of replicas over all machines."""
        return self.strategy.num_replicas_in_sync

    def agree(self, text: str) -> None:
        """Waits for all processes of the cluster, and fails unless they have the same text.

        Raises:
            ClusterChangedError: they have different ones.
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

    In a cluster this waits until all its machines are there, and has to come before TensorFlow computes anything. If the smaller split
    has fewer `examples` than this machine has GPUs, one GPU is used.
    """
    task = read_task()
    if task and task.workers > 1:
        return Cluster(tf.distribute.MultiWorkerMirroredStrategy(), task.chief, task.workers)
    strategy = tf.distribute.MirroredStrategy()
    if examples < strategy.num_replicas_in_sync:
        strategy = tf.distribute.MirroredStrategy(strategy.extended.worker_devices[:1])
    return Cluster(strategy, True, 1)
