"""Nets of `keras.applications` by name, such as `keras:VGG16`, with their preprocessing and the names of their classes."""

import collections
import difflib
import inspect
import random
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from zfnet.components.inputs.imagenet_net import IMAGENET, NONE, ImagenetNet
from zfnet.components.inputs.keras_cache import DownloadError, announced_downloads
from zfnet.components.inputs.preprocessing import PREPROCESSINGS, preprocess, with_preprocessing

if TYPE_CHECKING:
    import keras


class KerasNet(ImagenetNet):
    """A net of `keras.applications`.

    Attributes:
        name: such as `VGG16`.
        weights: `"imagenet"`, or `"none"` for random ones, always the same.

    Examples:
        >>> net = KerasNet.of("keras:MobileNetV2?weights=none")
        >>> net.preprocessing, net.open().layers[1].name
        ('tf', 'preprocessing_tf')
    """

    PREFIX = "keras:"

    @classmethod
    def of(cls, argument: str) -> Self:
        """Reads `keras:NAME`, `keras:NAME?weights=imagenet` or `keras:NAME?weights=none`; nothing is built or downloaded.

        Raises:
            ValueError: Keras has no such net, or there is no such choice of weights.
        """
        name, _, choice = argument.removeprefix(cls.PREFIX).partition("?")
        known = applications()
        if name not in known:
            lower = {each.lower(): each for each in known}
            near = [lower[each] for each in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
            hint = f"Did you mean {' or '.join(cls.PREFIX + each for each in near)}?" if near else f"There are: {', '.join(known)}."
            raise ValueError(f"keras.applications has no net {name!r}. {hint}")
        weights = choice.removeprefix("weights=") if choice else IMAGENET
        if weights not in (IMAGENET, NONE):
            raise ValueError(
                f"{argument}: expected {cls.PREFIX}{name}, with weights of ImageNet, or {cls.PREFIX}{name}?weights=none, with random ones."
            )
        return cls(name, weights)

    @property
    def preprocessing(self) -> str:
        """Name of the preprocessing that `keras.applications` has for the net; `"raw"` for a net that contains its own.

        It is found by the values that Keras' function gives for some pixels.

        Raises:
            ValueError: Keras' function computes something else.
        """
        import numpy as np

        pixels = np.array([[[[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [17, 130, 201]]]], np.float32)
        wanted = sys.modules[applications()[self.name].__module__].preprocess_input(pixels.copy(), data_format="channels_last")
        for name in PREPROCESSINGS:
            if np.allclose(preprocess(pixels, name), wanted, rtol=1e-5, atol=1e-4):
                return name
        raise ValueError(f"The preprocessing of {self.argument} is none of {', '.join(PREPROCESSINGS)}.")

    def open(self) -> "keras.Model":
        """Builds the net behind its preprocessing: it takes RGB 0..255 and gives the probabilities of ImageNet's classes.

        Weights of ImageNet come from Keras' cache, or are downloaded into it. Random weights are the same bits each time, and layers have
        the names that they have in a new process. Random generators go on as if nothing had been built.

        Raises:
            DownloadError: the weights are not in the cache and can't be downloaded.
            ValueError: the file in the cache does not hold them.
        """
        build, weights = applications()[self.name], None if self.weights == NONE else self.weights
        state = random.getstate()
        random.seed(0)  # Keras draws the seeds of all initialisers from this generator.
        try:
            with announced_downloads(self.argument) as files:
                model = build(weights=weights)
            _count_names_from_zero(model)
            return with_preprocessing(model, self.preprocessing)
        except DownloadError:
            raise
        except Exception as error:  # A damaged file can make Keras stumble anywhere.
            if not files:
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{self.argument} can't be loaded from {files[-1]}: {reason}. Delete it to download it again.") from error
        finally:
            random.setstate(state)


def applications() -> "dict[str, Callable[..., keras.Model]]":
    """All nets of `keras.applications`, by name: the functions that build a net with weights of ImageNet."""
    import keras

    return {
        name: function
        for name, function in sorted(vars(keras.applications).items())
        if inspect.isfunction(function) and {"weights", "include_top"} <= inspect.signature(function).parameters.keys()
    }


def _count_names_from_zero(model: "keras.Model") -> None:
    """Renames layers that Keras named by counting, such as `conv2d_97`, as in a process that built nothing before: `conv2d_3`."""
    counted: dict[str, dict[keras.Operation, int]] = collections.defaultdict(dict)
    for layer in model.operations:
        name, _, number = layer.name.rpartition("_")
        name, number = (name, number) if name and number.isdecimal() else (layer.name, "0")
        if name.replace("_", "") == type(layer).__name__.lower():
            counted[name][layer] = int(number)
    for name, numbers in counted.items():
        first = min(numbers.values())
        for layer, number in numbers.items():
            layer.name = f"{name}_{number - first}" if number > first else name
