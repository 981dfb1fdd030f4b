"""The images of a figure with their classes: named files, or one example of each class."""

import difflib
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import FEATURES, central_crops, read_origins
from zfnet.components.inputs.centre_crop import read_centre_crop
from zfnet.components.inputs.image_input import ImageInput

# What tells the classes.
TRUE_LABEL = "true label"
GIVEN = "given label"
PREDICTED = "class predicted for the untransformed image"


class LabelledImages(NamedTuple):
    """Some images.

    Attributes:
        names: what to call each.
        squares: uint8 `(N, S, S, 3)`, the photographs as stored: larger than what the model sees, so that windows can move.
        corner: row and column in them of the corner of what the model sees.
        classes: the class of each among the model's outputs; None for the one that the model predicts for the untransformed image.
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
    """Reads photographs.

    Args:
        paths: of the files.
        image_input: of the model.
        labels: names of the model's classes; empty if they are not known.
        outputs: number of them; 0 of a model without.
        names: the class of each file or, given once, of all: by its name, or by its number.

    Returns:
        Them.

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
    """Takes examples of different classes.

    Args:
        examples: prepared examples.
        split: which split.
        count: how many at most.
        seed: decides which.
        image_input: of the model.
        labels: as for files; if they are not known, as many outputs as the data has classes are taken for these, in their order.
        outputs: as for files.

    Returns:
        Them; with the predicted classes where the model does not have those of the data.

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
    """Place of a class among the model's outputs.

    Args:
        name: its name, or its number from 0.
        labels: names of the classes; empty if they are not known.
        outputs: number of them.

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
    """What a class is called: its name, or `class 3` if that is not known."""
    return labels[number] if labels else f"class {number}"


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
