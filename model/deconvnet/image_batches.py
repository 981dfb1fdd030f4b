"""Batches of images with the ids by which they are told apart."""

from collections.abc import Iterable, Iterator

import numpy as np


def image_batches(batches: Iterable) -> Iterator[tuple]:
    """Gives every image an id.

    Args:
        batches: yields image batches `(N, ...)`, or pairs `(images, ids)` with `(N,)` ids; without ids the images are counted from 0.

    Yields:
        Pairs of images, as they came, and int64 ids.

    Raises:
        ValueError: if ids are not whole numbers from 0 on, one for each image and different within the batch.
    """
    seen = 0
    for batch in batches:
        images, ids = batch if isinstance(batch, tuple) else (batch, np.arange(seen, seen + len(batch)))
        seen += len(images)
        ids = np.asarray(ids)
        right = ids.shape == (len(images),) and np.issubdtype(ids.dtype, np.integer)
        if not right or (ids < 0).any() or len(np.unique(ids)) < len(ids):
            raise ValueError(
                f"A batch of {len(images)} images came with ids of shape {ids.shape} and type {ids.dtype}: {ids.ravel()[:5]}... Expected "
                "one whole number from 0 on for each image, all different. Of a data set of images and labels, yield the images alone."
            )
        yield images, ids.astype(np.int64)
