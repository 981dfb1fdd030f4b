"""The strategy by which an evaluation uses the machine."""

import tensorflow as tf


def all_gpus() -> tf.distribute.Strategy:
    """MirroredStrategy over the GPUs where there are several, else the strategy of the scope that this is called in."""
    return tf.distribute.MirroredStrategy() if len(tf.config.list_logical_devices("GPU")) > 1 else tf.distribute.get_strategy()
