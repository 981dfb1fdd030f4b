"""The images that a training is watched on: searched after some epochs, always under the same numbers."""

import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, Self, runtime_checkable

import keras
import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, model_batch_size, read_origins
from zfnet.components.figures.evolution.column import searched
from zfnet.components.inputs.image_input import ImageInput, image_layout
from zfnet.components.storage.files import atomic_file
from zfnet.components.training.callbacks.read_images import Images, read_images
from zfnet.model.deconvnet.projected_strongest import ProjectedStrongest

# Images of a user that are kept in memory and on the disk. They hold an example of most things; more would hold rarer ones.
MOST, MOST_BYTES = 1000, 256 << 20


@runtime_checkable
class WatchedImages(Protocol):
    """Images under the numbers from 0 to `count`, which can be read again, some or all."""

    image_input: ImageInput
    count: int

    def batches(self, numbers: set[int] | None, most: int) -> Iterable:
        """Batches of float images as the model takes them, and of their numbers: all of the first `most`, or those of `numbers`."""

    def to_rgb(self, part: ProjectedStrongest) -> ProjectedStrongest:
        """Changes the patches, which have the values that the model takes, to RGB 0..255."""

    def origins(self) -> tuple[Sequence[str], Sequence[str]]:
        """The photograph of each image, and its id."""


class KeptImages:
    """Some images of an array or a data set, as `read_images` reads them.

    They are kept in memory: the next pass over a data set may give them in another order, or changed at random. They are kept in a file
    too, so that a training that goes on later searches the same.

    Args:
        pixels: `(N, ...)`, as the model takes them. Pictures scale values of 0..1 and -1..1 to 0..255, and values outside of 0..255 from
            their lowest to their highest.
    """

    def __init__(self, pixels: np.ndarray, channels_first: bool) -> None:
        self.pixels, self.count = pixels, len(pixels)
        height, width = pixels.shape[2:] if channels_first else pixels.shape[1:3]
        self.image_input = ImageInput(height, width, channels_first)
        self._low, self._high = _value_range(pixels)

    @classmethod
    def of(cls, images: Images, model: keras.Model, file: pathlib.Path, anew: bool = False) -> Self:
        """Reads images for a model, or those in `file` from an earlier time, if there is one and `anew` is false.

        Raises:
            ValueError: images are not as in `read_images`, not of the shape that the model takes, or an array other than before.
        """
        _, channels_first = image_layout(model)
        earlier = np.load(file, allow_pickle=False) if file.exists() and not anew else None
        # A data set may be shuffled, so that it can't be compared.
        if earlier is None or hasattr(images, "__array__"):
            pixels = read_images(images, MOST, MOST_BYTES)
            if earlier is not None and not np.array_equal(pixels, earlier):
                raise ValueError(f"{file.parent} belongs to a training that was watched on other images; give another log_dir.")
        else:
            pixels = earlier
        shape = tuple(model.inputs[0].shape[1:])
        if any(size not in (None, found) for size, found in zip(shape, pixels.shape[1:], strict=True)):
            raise ValueError(f"The images have the shape {pixels.shape[1:]}; the model {model.name!r} takes {shape}.")
        if earlier is None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(str(file)) as stream:
                np.save(stream, pixels)
        return cls(pixels, channels_first)

    def batches(self, numbers: set[int] | None, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See `WatchedImages`."""
        chosen, size = np.arange(most) if numbers is None else np.array(sorted(numbers), int), model_batch_size(self.image_input)
        for start in range(0, len(chosen), size):
            places = chosen[start : start + size]
            yield self.pixels[places].astype(np.float32), places

    def to_rgb(self, part: ProjectedStrongest) -> ProjectedStrongest:
        """See `WatchedImages`."""
        return part._replace(patches=(part.patches - self._low) * (255 / (self._high - self._low)))

    def origins(self) -> tuple[list[str], list[str]]:
        """See `WatchedImages`: every image counts as a photograph of its own."""
        names = [str(number) for number in range(self.count)]
        return names, names


def _value_range(pixels: np.ndarray) -> tuple[float, float]:
    """Values that are black and white in pictures."""
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.dtype == np.uint8:
        return 0, 255
    for black, white in ((0, 1), (-1, 1), (0, 255)):
        if black <= low and high <= white:
            return black, white
    return low, max(high, low + 1)


class CentredExamples:
    """Central crops of prepared training examples, without their mean; read from the disk for every search.

    A tenth of the examples is searched, see `searched`: the first ones, since shards are random mixtures. `mean` is that of the central
    crop, float `(size, size, 3)`, values 0..255.
    """

    def __init__(self, examples: Examples, mean: np.ndarray) -> None:
        self.examples, self.mean = examples, mean
        self.image_input = ImageInput(mean.shape[0], mean.shape[1], False)
        self.count = min(searched(examples.count("train")), examples.count("train"))

    def batches(self, numbers: set[int] | None, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See `WatchedImages`."""
        batches = central_crops(self.examples, "train", size=self.image_input.side, batch_size=128, numbers=numbers, most=most)
        return ((images - self.mean, ids) for images, _, ids in batches.as_numpy_iterator())

    def to_rgb(self, part: ProjectedStrongest) -> ProjectedStrongest:
        """See `WatchedImages`."""
        height, width = part.patches.shape[1:3]
        under = np.stack([self.mean[top : top + height, left : left + width] for top, left in part.corners])
        return part._replace(patches=part.patches + under)

    def origins(self) -> tuple[Sequence[str], Sequence[str]]:
        """See `WatchedImages`."""
        found = read_origins(self.examples, "train", self.count)
        return found.photographs, found.ids
