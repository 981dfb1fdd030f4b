"""Batches of images with their ids, checked: each image once, under an id of its own."""

import collections
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Ids are remembered as bits of one number for so many of them: a bit an image, if they are counted.
BLOCK = 1024
# Images of the first batch that are kept, to tell whether it comes again.
KEPT = 16
EXPECTED = "Expected images (N, height, width, channels), or a tuple (images, ids) with one whole number for each image."
LABELS = "If the data set has images and labels, yield the images alone."


def image_batches(batches: Iterable, inputs: int = 1) -> Iterator[tuple[Any, np.ndarray]]:
    """Yields pairs of images, unchanged, and int64 ids: whole numbers from 0 on, none twice.

    For a model of several `inputs`, the images are lists or dicts of as many arrays.

    `batches` yields image batches `(N, ...)`, or pairs `(images, ids)` with `(N,)` ids; without ids the images are counted from 0. A
    `keras.utils.PyDataset` is read once, from its first batch to its last.

    Raises:
        ValueError: a batch is neither (a dict, say), ids are not as above (class labels, say), or the data set has no end: its
            length says so, or its first batch of several images comes again. An endless generator of single images is not noticed.
    """
    counted, seen = 0, collections.defaultdict[int, int](int)
    first = None
    for batch in _once(batches):
        images, ids = _split(batch, inputs)
        parts = _parts(images, inputs)
        count = len(parts[0])
        if ids is None:
            ids = np.arange(counted, counted + count)
            if first is None or not len(first[0]):
                first = [np.array(part[:KEPT]) for part in parts]
            elif all(_are_same(*each) for each in zip(first, (part[:KEPT] for part in parts), strict=True)):
                raise ValueError(
                    f"The batch after {counted} images is the first again, pixel by pixel: does the data set repeat without end? "
                    "Expected each image once; give ids if these are different images."
                )
        counted += count
        ids = _checked(ids, count)
        for number in ids.tolist():
            block, bit = number // BLOCK, 1 << number % BLOCK
            if seen[block] & bit:
                raise ValueError(
                    f"The id {number} came twice, again in a batch of ids {ids[:5]}...: they are class labels, or counted anew in each "
                    f"batch, or the data set repeats. Expected another whole number for each image. {LABELS}"
                )
            seen[block] |= bit
        yield images, ids


def rows_of(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The row of each wanted id in a batch of these `ids`, which has all of them.

    Examples:
        >>> rows_of(np.array([7, 3, 5]), np.array([3, 3, 7])).tolist()
        [1, 1, 0]
    """
    order = np.argsort(ids)
    return order[np.searchsorted(ids, wanted, sorter=order)]


def _once(batches):
    """The batches of a data set, without those that repeat after its end."""
    endless = isinstance(batches, tf.data.Dataset) and batches.cardinality() == tf.data.INFINITE_CARDINALITY
    if isinstance(batches, keras.utils.PyDataset):
        # Not by its iterator, which starts again after the last batch if Keras' `flow_from_directory` made it.
        endless = batches.num_batches is None
        batches = batches if endless else map(batches.__getitem__, range(batches.num_batches))
    if endless:
        raise ValueError("The data set repeats without end; expected each image once: leave out repeat(), or take(n) batches.")
    return batches


def _parts(images, inputs):
    """The arrays of the images, one for each input."""
    if inputs == 1:
        return [images]
    if not isinstance(images, Mapping | list | tuple) or len(images) != inputs:
        kind = f"{len(images)} arrays" if isinstance(images, Mapping | list | tuple) else f"one array of shape {np.shape(images)}"
        raise ValueError(
            f"A batch holds {kind}, and the model has {inputs} inputs. Expected a list or dict of {inputs} arrays, or a tuple of such a "
            f"list or dict and ids. {LABELS}"
        )
    parts = list(images.values()) if isinstance(images, Mapping) else list(images)
    if len({len(part) for part in parts}) > 1:
        raise ValueError(
            f"A batch holds arrays of {' and '.join(str(len(part)) for part in parts)} rows; expected the same number for each input."
        )
    return parts


def _split(batch, inputs):
    """Images, and ids or None."""
    if inputs > 1 and isinstance(batch, Mapping | list):
        return batch, None
    if isinstance(batch, Mapping):
        raise ValueError(f"A batch is a dict with the keys {', '.join(map(str, batch))}. {EXPECTED} Yield the images alone, by their key.")
    if isinstance(batch, tuple):
        if len(batch) not in (1, 2):
            raise ValueError(f"A batch is a tuple of {len(batch)} values. {EXPECTED} {LABELS}")
        return batch if len(batch) == 2 else (batch[0], None)
    if isinstance(batch, list):
        shapes = {tuple(np.shape(each)) for each in batch}
        if len(shapes) > 1:
            raise ValueError(f"A batch is a list of values of the shapes {' and '.join(map(str, sorted(shapes)))}. {EXPECTED} {LABELS}")
        return np.array([np.asarray(each) for each in batch]), None
    return batch, None


def _checked(ids, count):
    ids = np.asarray(ids)
    right = ids.shape == (count,) and np.issubdtype(ids.dtype, np.integer)
    if not right or (ids < 0).any() or len(np.unique(ids)) < len(ids):
        raise ValueError(
            f"A batch of {count} images came with ids of shape {ids.shape} and type {ids.dtype}: {ids.ravel()[:5]}... Expected one whole "
            f"number from 0 on for each image, all different. {LABELS}"
        )
    return ids.astype(np.int64)


def _are_same(first, images):
    # Images that are all alike, such as blank ones, may well come again.
    differ = len(first) > 1 and not np.array_equal(first[1:], first[:-1], equal_nan=True)
    return differ and np.array_equal(first, np.asarray(images), equal_nan=True)
