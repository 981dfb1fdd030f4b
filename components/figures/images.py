"""The images that figures take: prepared examples or an array, some of them with their classes, or named files; and their mean colour."""

import dataclasses
import difflib
import hashlib
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

import keras
import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import Origins, central_crops, model_batch_size, model_batches, read_origins
from zfnet.components.inputs.centre_crop import read_centre_crop
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.net.layers import MeanImage
from zfnet.model.progress import progress

# Sources of the classes.
TRUE_LABEL = "true label"
GIVEN = "given label"
PREDICTED = "class predicted for the untransformed image"
# Images whose colours are averaged: more would make no visible difference.
MOST = 1000
MIDDLE, UNKNOWN = 128.0, "128, since no mean is known"


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

    def within(self, name: str) -> Self:
        """The images of one class, under the same numbers.

        Raises:
            ValueError: there are none, or the classes of the images are not known.
        """
        labels = list(self.labels)
        members = set(np.flatnonzero(self.origins.labels == labels.index(name)).tolist()) if name in labels else set()
        if not members:
            known = (
                f"they are of {', '.join(labels[:20])}{', ...' if len(labels) > 20 else ''}" if labels else "their classes are not known"
            )
            raise ValueError(f"There are no images of a class {name!r}: {known}.")

        def batches(title: str, numbers: set[int] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            return self.batches(title, members if numbers is None else numbers)

        return dataclasses.replace(self, batches=batches)


class LabelledImages(NamedTuple):
    """Images and their classes.

    Attributes:
        names: of the images.
        squares: uint8 `(N, S, S, 3)`, the images as stored: larger than the model's, so that windows can move.
        corner: row and column in the squares of the corner of the model's image.
        classes: the class of each among the model's outputs; None for the one that is predicted for the untransformed image.
        class_source: `TRUE_LABEL` for examples, one of each class; `GIVEN`; or `PREDICTED`.
        labels: names of the model's classes; empty if they are not known.
    """

    names: Sequence[str]
    squares: np.ndarray
    corner: tuple[int, int]
    classes: Sequence[int] | None
    class_source: str
    labels: Sequence[str]


def subjects_of_files(
    paths: Sequence[str], image_input: ImageInput, labels: Sequence[str], outputs: int, names: Sequence[str] = ()
) -> LabelledImages:
    """Reads photographs; `names` has the class of each file, by name or number, or one for all files.

    The model has `outputs` classes, 0 if it has none, with the names `labels`, empty if they are not known.

    Raises:
        ValueError: a file can't be read, or there is no such class.
    """
    classes = [class_number(name, labels, outputs) for name in names]
    squares = [read_centre_crop(path, image_input.side) for path in paths]
    classes = classes * len(paths) if len(classes) == 1 else classes
    corner = squares[0].corner(image_input.height, image_input.width)
    pixels = np.stack([square.pixels for square in squares])
    return LabelledImages(
        [pathlib.PurePath(path).name for path in paths], pixels, corner, classes or None, GIVEN if classes else PREDICTED, labels
    )


def subjects_of_examples(
    examples: Examples, split: str, count: int, seed: int, image_input: ImageInput, labels: Sequence[str], outputs: int
) -> LabelledImages:
    """Takes at most `count` examples of different classes, with their true classes; `seed` decides which. Otherwise as `subjects_of_files`.

    A model without `labels` has the classes of the data if it has as many outputs. A model with other classes gets the predicted ones.

    Raises:
        ValueError: there are no examples.
    """
    numbers, classes = one_of_each_class(examples, split, count, seed)
    batches = central_crops(examples, split, size=examples.side, batch_size=count, numbers=set(numbers))
    squares = np.concatenate([images for images, _, _ in batches.as_numpy_iterator()]).astype(np.uint8)
    margin = (examples.side - image_input.side) // 2
    corner = margin + (image_input.side - image_input.height) // 2, margin + (image_input.side - image_input.width) // 2
    ids = read_origins(examples, split)[2]
    known = labels or (examples.labels if outputs == len(examples.labels) else [])
    wanted = [examples.labels[number] for number in classes]
    found = [known.index(name) for name in wanted if name in known and outputs]
    is_known = len(found) == len(wanted)
    return LabelledImages(
        [ids[number] for number in numbers], squares, corner, found if is_known else None, TRUE_LABEL if is_known else PREDICTED, known
    )


def class_number(name: str, labels: Sequence[str], outputs: int) -> int:
    """Finds a class among the model's `outputs` outputs, by its name or its number from 0; `labels` may be empty.

    Raises:
        ValueError: there is none of this name or number.
    """
    if name in labels:
        return list(labels).index(name)
    if name.isdecimal() and int(name) < outputs:
        return int(name)
    named = f"the names in labels.txt ({', '.join(labels[:3])}{', ...' if len(labels) > 3 else ''}) or " if labels else ""
    expected = f"{named}a number from 0 to {outputs - 1}" if outputs else "none: the model has no classes"
    near = difflib.get_close_matches(name, labels, n=3)
    hint = f". Did you mean {' or '.join(near)}? Expected" if near else "; expected"
    raise ValueError(f"The model has no class {name!r}{hint} {expected}.")


def class_name(number: int, labels: Sequence[str]) -> str:
    """Name of a class, or `class 3` if it is not known."""
    return labels[number] if labels else f"class {number}"


def one_of_each_class(examples: Examples, split: str, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Chooses at most `count` examples of different classes at random: their numbers in the split, rising, and their labels.

    Raises:
        ValueError: the split has no examples.

    Examples:
        >>> numbers, classes = one_of_each_class(examples, "validation", 2, seed=0)
        >>> len(numbers), len(set(classes))
        (2, 2)
    """
    if not examples.count(split):
        raise ValueError(f"There are no {split} examples to choose from.")
    labels = read_origins(examples, split).labels
    random = np.random.default_rng(seed)
    classes = random.permutation(np.unique(labels))[:count]
    numbers = sorted(int(random.choice(np.flatnonzero(labels == label))) for label in classes)
    return numbers, labels[numbers].tolist()


class MeanGrey(NamedTuple):
    """Fill of hidden regions: RGB 0..255 in the layout of the model, a whole image or one pixel; and a description of its source."""

    values: np.ndarray
    source: str


def mean_grey(deconvnet: Deconvnet, image_input: ImageInput, images: ImageSet | None = None) -> MeanGrey:
    """Fill of hidden regions: the mean colour of the first thousand `images`, else the mean image that the model subtracts, else mid-grey.

    The mean image that a model subtracts becomes exactly 0 in the net.
    """
    if images is not None:
        total, pixels, seen = np.zeros(3), 0, 0
        for batch, _ in images.batches("Averaging colours", None):
            pictures = image_input.pictures(batch[: MOST - seen])
            total, pixels = total + pictures.sum(axis=(0, 1, 2), dtype=np.float64), pixels + pictures[..., 0].size
            seen += len(pictures)
            if seen == MOST:
                break
        return MeanGrey(_pixel(total / pixels, image_input), "the mean colour of DATA")
    for layer in deconvnet.model._flatten_layers():
        if isinstance(layer, MeanImage):
            return MeanGrey(np.asarray(layer.mean), "the mean image that the model subtracts")
    return MeanGrey(_pixel(np.full(3, MIDDLE), image_input), UNKNOWN)


def _pixel(colour: np.ndarray, image_input: ImageInput) -> np.ndarray:
    return image_input.to_model_layout(colour.reshape(1, 1, 1, 3))[0]
