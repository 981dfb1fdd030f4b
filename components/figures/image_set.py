"""Images for figures: prepared examples, or an array; and their mean colour."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

import keras
import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import Origins, model_batch_size, model_batches, read_origins
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.net.layers import MeanImage
from zfnet.model.progress import progress

MIDDLE = 128.0
UNKNOWN = "128, since no mean is known"
# Images that are averaged: more would make no visible difference.
MOST = 1000


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Images in the layout of one model, which can be read repeatedly.

    Args:
        name: of the data.
        origins: source of each image.
        labels: names of the images' classes; empty if they are not known.
        side: of the square of which each image is the centre, in pixels.
        batches: yields float images, values 0..255, and their numbers. It takes the title of a progress bar, and the numbers of the images
            to yield or None for all.
    """

    name: str
    image_input: ImageInput
    origins: Origins
    labels: Sequence[str]
    side: int
    batches: Callable[[str, set[int] | None], Iterator[tuple[np.ndarray, np.ndarray]]]

    @classmethod
    def of_examples(cls, model: keras.Model, examples: Examples, split: str = "validation", most: int | None = None) -> Self:
        """The examples of one split, `"train"` or `"validation"`: the first `most`, or all if None.

        The model takes RGB 0..255; the examples are prepared for its larger side.
        """
        image_input = ImageInput.of(model, examples.image_size)

        def batches(title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            return model_batches(examples, split, image_input, title, numbers=numbers, most=most)

        origins = read_origins(examples, split, most)
        return cls(examples.read_json("manifest.json")["name"], image_input, origins, examples.labels, examples.side, batches)

    @classmethod
    def of_array(cls, model: keras.Model, images: np.ndarray) -> Self:
        """Images in memory: `(N, height, width, 3)`, RGB 0..255 as the model takes them, of its size.

        Raises:
            ValueError: they are of another shape or size, not numbers, or none.
        """
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[3] != 3 or not len(images):
            raise ValueError(f"The images have the shape {images.shape}; expected (N, height, width, 3), RGB 0..255, at least one.")
        image_input = ImageInput.of(model, max(images.shape[1:3]))
        if images.shape[1:3] != image_input[:2]:
            height, width = image_input[:2]
            raise ValueError(f"The images are of {images.shape[1]} x {images.shape[2]} pixels; the model takes {height} x {width}.")
        if not np.isfinite(images).all():
            raise ValueError("The images are not all finite numbers; expected RGB 0..255.")
        size = model_batch_size(image_input)

        def batches(title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            chosen = np.arange(len(images)) if numbers is None else np.array(sorted(numbers))
            starts = range(0, len(chosen), size)
            for start in progress(starts, len(starts), title):
                places = chosen[start : start + size]
                yield image_input.to_model_layout(images[places].astype(np.float32)), places

        names = [str(number) for number in range(len(images))]
        side = image_input.side
        origins = Origins(names, np.tile([0, 0, side, side], (len(images), 1)), names, np.zeros(len(images), np.int64))
        return cls(hashlib.sha256(np.ascontiguousarray(images).data).hexdigest(), image_input, origins, [], side, batches)


class MeanGrey(NamedTuple):
    """Fill of hidden regions: RGB 0..255 in the layout of the model, a whole image or one pixel; and a description of its source."""

    values: np.ndarray
    source: str


def mean_grey(deconvnet: Deconvnet, image_input: ImageInput, images: ImageSet | None = None) -> MeanGrey:
    """Fill of hidden regions: the mean colour of the first thousand `images`, else the mean image that the model subtracts, else mid-grey.

    The mean image that a model subtracts becomes exactly 0 in the net.
    """
    if images is not None:
        total, pixels = np.zeros(3), 0
        for batch, numbers in images.batches("Averaging colours", None):
            pictures = image_input.pictures(batch[numbers < MOST])
            total, pixels = total + pictures.sum(axis=(0, 1, 2), dtype=np.float64), pixels + pictures[..., 0].size
            if numbers[-1] + 1 >= MOST:
                break
        return MeanGrey(_pixel(total / pixels, image_input), "the mean colour of DATA")
    for layer in deconvnet.model._flatten_layers():
        if isinstance(layer, MeanImage):
            return MeanGrey(np.asarray(layer.mean), "the mean image that the model subtracts")
    return MeanGrey(_pixel(np.full(3, MIDDLE), image_input), UNKNOWN)


def _pixel(colour: np.ndarray, image_input: ImageInput) -> np.ndarray:
    return image_input.to_model_layout(colour.reshape(1, 1, 1, 3))[0]
