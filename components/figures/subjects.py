"""Images with their classes: named files, or one example of each class."""

import difflib
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.inputs.centre_crop import read_centre_crop
from zfnet.components.inputs.image_input import ImageInput

# Sources of the classes.
TRUE_LABEL = "true label"
GIVEN = "given label"
PREDICTED = "class predicted for the untransformed image"


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
