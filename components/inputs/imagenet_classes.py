"""Classes of ImageNet in the order of the outputs of nets that were trained on it, as Keras keeps them."""

import collections
import sys
from collections.abc import Callable

from zfnet.components.inputs.keras_cache import DownloadError, announced_downloads

CLASSES = 1000


def imagenet_classes(wanted_by: str) -> list[tuple[str, str]]:
    """The number that ImageNet gives each class, such as `n01440764`, and its name, `tench`.

    They come from Keras' cache, or are downloaded into it. `wanted_by` names the net that needs them, for messages.

    Raises:
        DownloadError: they are not in the cache and can't be downloaded.
    """
    import keras
    import numpy as np

    with announced_downloads(wanted_by):
        decoded = keras.applications.imagenet_utils.decode_predictions(np.eye(CLASSES), top=1)
    return [(number, name) for ((number, name, _),) in decoded]


def class_labels(wanted_by: str, classes: Callable[[], list[tuple[str, str]]]) -> list[str]:
    """Names of classes: `tench`, or `crane (n02012849)` if two share a name; empty, with a message, if they can't be downloaded.

    `classes` returns numbers and names as `imagenet_classes` does.
    """
    try:
        found = classes()
    except DownloadError as error:
        print(f"{wanted_by}: classes have numbers instead of names. {error}", file=sys.stderr)
        return []
    counts = collections.Counter(name for _, name in found)
    return [name if counts[name] == 1 else f"{name} ({number})" for number, name in found]
