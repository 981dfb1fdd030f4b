"""Chooses a few examples of different classes."""

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import FEATURES


def one_of_each_class(examples: Examples, split: str, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Chooses examples by chance, no two of a class; no image is decoded.

    Args:
        examples: prepared examples.
        split: which split.
        count: how many.
        seed: decides which; the same seed, the same examples.

    Returns:
        Their numbers in the split, rising, and their labels. Fewer than `count` where fewer classes have examples in the split.

    Raises:
        ValueError: the split has no examples.

    Examples:
        >>> one_of_each_class(examples, "validation", 2, seed=0)
        ([17, 240], [0, 4])
    """
    feature = {"label": FEATURES["label"]}
    records = tf.data.TFRecordDataset(examples.shards(split)).batch(1024).map(lambda batch: tf.io.parse_example(batch, feature)["label"])
    parts = list(records.as_numpy_iterator())
    if not parts:
        raise ValueError(f"There are no {split} examples to choose from.")
    labels = np.concatenate(parts)
    random = np.random.default_rng(seed)
    classes = random.permutation(np.unique(labels))[:count]
    numbers = sorted(int(random.choice(np.flatnonzero(labels == label))) for label in classes)
    return numbers, labels[numbers].tolist()
