"""Which pictures of one set are also in another: normalised correlation of small grey copies, mirrored ones included."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Side of the grey copies that are compared, in pixels.
SIDE = 32
# Measured on patches of 15 photographs: pairs that share no pixel and are not flat correlate by 0.92 at most, and one mirrored pair by
# 0.965; a picture and itself, compressed again as JPEG of quality 50, by 0.984 (99 of 100). A photograph cut slightly otherwise is found.
CORRELATION = 0.97
# Pictures with a standard deviation below so many grey levels (sky, say) look alike without being the same: those that share no pixel
# reached 0.989. Of them only near copies are found.
FLAT, FLAT_CORRELATION = 8.0, 0.995


class Thumbnails(NamedTuple):
    """Small grey copies, ready to be compared.

    Attributes:
        vectors: float32 `(N, SIDE * SIDE)`: mean 0 and length 1; all 0 for a picture of one colour, which correlates with nothing.
        contrasts: float32 `(N,)`: their standard deviations, in grey levels.
    """

    vectors: np.ndarray
    contrasts: np.ndarray


class Matches(NamedTuple):
    """For each picture, the one that is most likely the same.

    Attributes:
        correlations: float32 `(N,)`, -1..1; -1 where there was nothing to compare with.
        margins: float32 `(N,)`: by how much the correlation exceeds what it takes to be the same picture; 0 or more says that it is.
        numbers: int64 `(N,)`, of the other picture; -1 for none.
        mirrored: bool `(N,)`, whether the other one is its mirror image.
    """

    correlations: np.ndarray
    margins: np.ndarray
    numbers: np.ndarray
    mirrored: np.ndarray

    @classmethod
    def none(cls, count: int) -> "Matches":
        """Before anything is compared."""
        return cls(np.full(count, -1, np.float32), np.full(count, -2, np.float32), np.full(count, -1), np.zeros(count, bool))


def thumbnails(images: np.ndarray) -> Thumbnails:
    """Makes the small copies.

    Args:
        images: float array `(N, height, width, channels)`, values 0..255.

    Returns:
        The copies, in the images' order.
    """
    small = tf.image.resize(tf.reduce_mean(tf.cast(images, tf.float32), axis=3, keepdims=True), (SIDE, SIDE), "area").numpy()
    vectors = small.reshape(len(small), -1)
    vectors = vectors - vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1)
    # What is left of a picture of one colour is rounding.
    shown = lengths > 1e-2
    return Thumbnails(np.where(shown[:, None], vectors / np.where(shown, lengths, 1)[:, None], 0), lengths / SIDE)


def compare_pictures(found: Matches, pictures: Thumbnails, others: Thumbnails, numbers: np.ndarray) -> Matches:
    """Compares every picture with every one of a block of others, as matrix products, and as well with their mirror images.

    Zeiler & Fergus 2013, section 5.2: "using normalized correlation, we identified these few 'overlap' images".

    Args:
        found: the best so far.
        pictures: what is looked for.
        others: a block of what is looked through.
        numbers: int array, the numbers of that block.

    Returns:
        The best, with that block.

    Examples:
        >>> found = compare_pictures(Matches.none(len(new)), thumbnails(new), thumbnails(old), np.arange(len(old)))
        >>> np.flatnonzero(found.margins >= 0)  # pictures of `new` that are in `old`
    """
    flipped = others.vectors.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(len(numbers), -1)
    flat = np.minimum(pictures.contrasts[:, None], others.contrasts[None]) < FLAT
    needed = np.where(flat, np.float32(FLAT_CORRELATION), np.float32(CORRELATION))
    for mirrored, vectors in ((False, others.vectors), (True, flipped)):
        correlations = np.clip(pictures.vectors @ vectors.T, -1, 1)
        margins = correlations - needed
        best = margins.argmax(axis=1)
        rows = np.arange(len(best))
        better = margins[rows, best] > found.margins
        found = Matches(
            np.where(better, correlations[rows, best], found.correlations),
            np.where(better, margins[rows, best], found.margins),
            np.where(better, numbers[best], found.numbers),
            np.where(better, mirrored, found.mirrored),
        )
    return found
