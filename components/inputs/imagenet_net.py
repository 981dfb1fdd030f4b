"""Nets that were trained on ImageNet, and its classes in the order of their outputs, as Keras keeps them."""

import collections
import dataclasses
import sys
from typing import ClassVar

from zfnet.components.inputs.keras_cache import DownloadError, announced_downloads

CLASSES = 1000
IMAGENET, NONE = "imagenet", "none"


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


@dataclasses.dataclass(frozen=True)
class ImagenetNet:
    """A net by name.

    Attributes:
        name: after the prefix.
        weights: `"imagenet"`, `"none"` for random ones, always the same, or what else the subclass allows.
    """

    PREFIX: ClassVar[str]

    name: str
    weights: str = IMAGENET

    @property
    def argument(self) -> str:
        """The MODEL argument that names the net."""
        return f"{self.PREFIX}{self.name}" + ("" if self.weights == IMAGENET else f"?weights={self.weights}")

    def classes(self) -> list[tuple[str, str]]:
        """Numbers and names of the classes, see `imagenet_classes`. Random weights have none: their outputs mean nothing."""
        return [] if self.weights == NONE else imagenet_classes(self.argument)

    def labels(self) -> list[str]:
        """Names of classes: `tench`, or `crane (n02012849)` if two share a name; empty, with a message, if they can't be downloaded."""
        try:
            found = self.classes()
        except DownloadError as error:
            print(f"{self.argument}: classes have numbers instead of names. {error}", file=sys.stderr)
            return []
        counts = collections.Counter(name for _, name in found)
        return [name if counts[name] == 1 else f"{name} ({number})" for number, name in found]
