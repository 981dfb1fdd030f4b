"""Prepared examples as a model takes them, in batches that fit into memory."""

from collections.abc import Iterator

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_batches
from zfnet.components.pictures.image_input import ImageInput
from zfnet.model.progress import progress

# Pixels of the images that go through the net together, so that the activations of large ones fit into memory too.
PIXELS = 64 * 96 * 96


def searched_batches(
    examples: Examples,
    split: str,
    image_input: ImageInput,
    title: str,
    *,
    numbers: set[int] | None = None,
    most: int | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields each example of a split once, in order, as `strongest_activations` and `project_strongest` take them.

    Args:
        examples: prepared for the model's larger side.
        split: which split.
        image_input: of the model.
        title: what is done with them.
        numbers: numbers of the examples to take; `None` takes all.
        most: how many examples, from the first, to read at most; `None` reads all.

    Yields:
        Float images as the model lays them out, values 0..255, and their numbers in the split.
    """
    fitting = max(1, PIXELS // (image_input.height * image_input.width))
    batch_size = 1 << (fitting.bit_length() - 1)  # A power of two: images are recorded in batches of few sizes.
    found = central_batches(examples, split, size=image_input.side, batch_size=batch_size, numbers=numbers, most=most)
    for images, _, places in progress(found.as_numpy_iterator(), len(found), title):
        yield image_input.laid_out(image_input.crop(images)), places
