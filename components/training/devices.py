"""What a training computes on, told before it begins: a GPU that TensorFlow does not see is else noticed after hours."""

import pathlib
from collections.abc import Sequence

import tensorflow as tf

NVIDIA_DRIVER = pathlib.Path("/proc/driver/nvidia/version")


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
