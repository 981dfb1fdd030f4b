"""Devices and precision of a training, printed before it begins."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

NVIDIA_DRIVER = pathlib.Path("/proc/driver/nvidia/version")
MIXED = "mixed_bfloat16"
# NVIDIA's GPUs multiply bfloat16 faster than float32 from this compute capability on (Ampere).
BFLOAT16_SINCE = (8, 0)


def training_devices(replicas: int, for_gpus: Sequence[str] = (), driver: pathlib.Path = NVIDIA_DRIVER) -> str:
    """Tells what a training computes on.

    Args:
        replicas: devices that share a step, on all machines.
        for_gpus: options that the user gave which only help on GPUs.
        driver: the file by which NVIDIA's driver shows that it is there.

    Returns:
        A line; more of it where there is no GPU, and one was expected.

    Examples:
        >>> training_devices(1)
        'Training on the CPU.'
    """
    if gpus := tf.config.list_physical_devices("GPU"):
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
        return f"Training on {replicas} x {name}."
    said = ["Training on the CPU." if replicas == 1 else f"Training on {replicas} replicas of CPUs."]
    if driver.exists():
        said.append(
            "There is an NVIDIA GPU that TensorFlow can't use: the extra `gpu` brings its libraries: pip install --editable '.[gpu]'."
        )
    if for_gpus:
        said.append(f"With {' and '.join(for_gpus)} it is slower: they are for GPUs.")
    return " ".join(said)


def choose_mixed_precision(choice: bool | None) -> bool:
    """Whether to compute in bfloat16, with weights and sums in float32.

    Args:
        choice: the user's; `None` says yes where every GPU is fast at it. On a CPU it is slower.

    Returns:
        The decision.
    """
    if choice is not None:
        return choice
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return bool(details) and all(detail.get("compute_capability", (0, 0)) >= BFLOAT16_SINCE for detail in details)


def choose_xla(choice: bool | None, deterministic: bool) -> bool:
    """Whether to compile a training step with XLA.

    Args:
        choice: the user's; `None` says yes where there is a GPU. On a CPU it is slower.
        deterministic: whether only operations may be used that give the same bits each time; XLA has none for the gradient of max
            pooling.

    Returns:
        The decision.
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
