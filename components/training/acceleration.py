"""Mixed precision and XLA: on where they help, off where they were measured to hurt."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

MIXED = "mixed_bfloat16"
# NVIDIA's GPUs multiply bfloat16 faster than float32 from this compute capability on (Ampere).
BFLOAT16_SINCE = (8, 0)


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
