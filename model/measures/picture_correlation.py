"""Images of one set that are also in another: normalised correlation of small grey copies, mirrored ones included."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Side of the grey copies, in pixels.
SIDE = 32
# Measured on patches of 15 photographs: pairs that share no pixel and are not flat correlate by 0.92 at most, and one mirrored pair by
# 0.965; a picture and itself, compressed again as JPEG of quality 50, by 0.984 (99 of 100). A photograph cut slightly otherwise is found.
CORRELATION = 0.97
# Images with a standard deviation below this many grey levels (sky, say) are similar without being the same: those that share no pixel
# reached 0.989. Only near copies of them are found.
FLAT, FLAT_CORRELATION = 8.0, 0.995


class Thumbnails(NamedTuple):
    """Small grey copies, ready for comparison.

    Attributes:
        vectors: float32 `(N, SIDE * SIDE)`: mean 0 and length 1; all 0 for an image of one colour, which correlates with nothing.
        contrasts: float32 `(N,)`: their standard deviations, in grey levels.
    """

    vectors: np.ndarray
    contrasts: np.ndarray


class Matches(NamedTuple):
    """For each image, the most similar one of another set.

    Attributes:
        correlations: float32 `(N,)`, -1..1; -1 if there was nothing to compare with.
        margins: float32 `(N,)`: correlation minus the threshold for the same image; 0 or more is a match.
        numbers: int64 `(N,)`, number of the other image; -1 for none.
        mirrored: bool `(N,)`, whether the other one is its mirror image.
    """

    correlations: np.ndarray
    margins: np.ndarray
    numbers: np.ndarray
    mirrored: np.ndarray

    @classmethod
    def none(cls, count: int) -> "Matches":
        """Initial value, before any comparison."""
        return cls(np.full(count, -1, np.float32), np.full(count, -2, np.float32), np.full(count, -1), np.zeros(count, bool))


def thumbnails(images: np.ndarray) -> Thumbnails:
    """Makes small grey copies of images, a float array `(N, height, width, channels)` with values 0..255."""
    small = tf.image.resize(tf.reduce_mean(tf.cast(images, tf.float32), axis=3, keepdims=True), (SIDE, SIDE), "area").numpy()
    vectors = small.reshape(len(small), -1)
    vectors = vectors - vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1)
    # An image of one colour leaves only rounding.
    shown = lengths > 1e-2
    return Thumbnails(np.where(shown[:, None], vectors / np.where(shown, lengths, 1)[:, None], 0), lengths / SIDE)


def compare_pictures(found: Matches, pictures: Thumbnails, others: Thumbnails, numbers: np.ndarray) -> Matches:
    """Compares every image with a block of others and with their mirror images, as matrix products.

    Zeiler & Fergus 2013, section 5.2: "using normalized correlation, we identified these few 'overlap' images".

    `found` are the best matches so far of `pictures`, and `numbers` the numbers of the block. Returns the best matches, the block included.

    Examples:
        >>> compare_pictures(Matches.none(2), thumbnails(images[:2]), thumbnails(images), np.arange(4)).numbers
        array([0, 1])
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
