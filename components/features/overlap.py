"""Find images that a model was also pretrained on, by the normalised correlation of small grey copies, and draw folds without them."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_crops, read_origins
from zfnet.components.data.damage import named_damage
from zfnet.components.features.candidates import Candidates, Fold, draw_folds
from zfnet.model.progress import progress

# Side of the grey copies, in pixels.
SIDE = 32
# Measured on patches of 15 photographs: pairs that share no pixel and are not flat correlate by 0.92 at most, and one mirrored pair by
# 0.965; a picture and itself, compressed again as JPEG of quality 50, by 0.984 (99 of 100). A photograph cut slightly otherwise is found.
CORRELATION = 0.97
# Images with a standard deviation below this many grey levels (sky, say) are similar without being the same: those that share no pixel
# reached 0.989. Only near copies of them are found.
FLAT, FLAT_CORRELATION = 8.0, 0.995
BATCH = 256


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


class Overlap(NamedTuple):
    """Images and their most similar ones in the pretraining set.

    Attributes:
        numbers: int `(n,)`, the images that were looked for, ascending.
        matches: for each the most similar one of the pretraining set, whose ids are `ids`.
    """

    numbers: np.ndarray
    matches: Matches
    ids: list[str]

    @property
    def found(self) -> np.ndarray:
        """Numbers of the images that are in the pretraining set."""
        return self.numbers[self.matches.margins >= 0]

    def pairs(self, candidates: Candidates, numbers: np.ndarray) -> list[dict]:
        """Lists those of `numbers` that were found: their id, that of the same image in the pretraining set, and the correlation."""
        rows = np.flatnonzero((self.matches.margins >= 0) & np.isin(self.numbers, numbers))
        return [
            {
                "image": candidates.ids[self.numbers[row]],
                "pretraining": self.ids[self.matches.numbers[row]],
                "correlation": round(float(self.matches.correlations[row]), 4),
                "mirrored": bool(self.matches.mirrored[row]),
            }
            for row in rows
        ]


def find_overlap(candidates: Candidates, numbers: np.ndarray, pretraining: Examples) -> Overlap:
    """Compares the images `numbers` with the whole split `train` of the pretraining set, in memory that does not grow with it.

    Zeiler & Fergus 2013, section 5.2. The paper took such images out of ImageNet and trained anew; here they are reported, or left out
    of the data. Also images compressed or scaled anew, cropped slightly differently, or flipped are found. `NearCopies` looks for smaller
    crops too, and needs the hashes of the smaller split in memory; this one needs nothing of the pretraining set in memory.
    """
    numbers = np.unique(numbers)
    # The whole stored squares: a central crop would depend on the size of the net's input.
    parts = [thumbnails(images) for images, _ in candidates.batches(numbers, candidates.examples.side, BATCH)]
    pictures = Thumbnails(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    matches = Matches.none(len(numbers))
    batches = central_crops(pretraining, "train", size=pretraining.side, batch_size=BATCH)
    with named_damage(pretraining):
        for images, _, places in progress(batches.as_numpy_iterator(), len(batches), "Looking for images seen in pretraining"):
            others = thumbnails(images)
            for start in range(0, len(numbers), BATCH * 16):
                block = slice(start, start + BATCH * 16)
                better = compare_pictures(
                    Matches(*(column[block] for column in matches)), Thumbnails(*(column[block] for column in pictures)), others, places
                )
                for column, changed in zip(matches, better, strict=True):
                    column[block] = changed
    return Overlap(numbers, matches, read_origins(pretraining, "train").ids)


def draw_unseen(
    candidates: Candidates, pretraining: Examples | None, *, redraw: bool, leave_out: bool, **options: int
) -> tuple[list[Fold], dict]:
    """Draws training and test images, and reports which of them are in the pretraining set.

    Reading: training images come from the split `train`, test images from `validation`, so that images cut from one photograph, as
    patches are, share no pixel between the two. The draw differs from fold to fold. With `redraw` both come from the two splits together,
    as in the protocol of Caltech-101. With `leave_out` images of the pretraining set are never drawn.

    Args:
        pretraining: the training data of the net; None if they are not known.
        options: `most`, `test`, `folds` and `seed`, see `draw_folds`.

    Returns:
        The folds; and a report: `looked` (numbers of training and test images that were looked for), `train` and `test` (pairs of ids
        with their correlation), `left_out`, and `message`, a sentence.

    Raises:
        ValueError: there are too few images, or they are to be left out and `pretraining` is None.
    """
    everything, usable = np.arange(len(candidates)), np.ones(len(candidates), bool)
    overlap = None
    if leave_out:
        if pretraining is None:
            raise ValueError("The pretraining images of the model are not known, so that none of them can be left out.")
        overlap = find_overlap(candidates, everything, pretraining)
        usable[overlap.found] = False
    is_train = candidates.is_train
    trainable, testable = (usable, usable) if redraw else (usable & is_train, usable & ~is_train)
    try:
        drawn = draw_folds(candidates.labels, trainable, testable, candidates.examples.labels, **options)
    except ValueError as error:
        if overlap is not None and len(overlap.found):
            raise ValueError(f"{error} {len(overlap.found):,} of {len(candidates):,} images were seen in pretraining.") from error
        raise
    train = np.unique([fold.train for fold in drawn])
    tested = np.unique(np.concatenate([fold.test for fold in drawn]))
    report: dict[str, Any] = {"looked": {"train": len(train), "test": len(tested)}, "train": [], "test": [], "left_out": []}
    if pretraining is None:
        message = "Whether images were seen in pretraining is not known: --pretraining names what the model saw."
    elif overlap is not None:
        report["left_out"] = overlap.pairs(candidates, everything)
        message = f"{len(overlap.found):,} of {len(candidates):,} images were seen in pretraining, and left out."
    else:
        overlap = find_overlap(candidates, np.concatenate([train, tested]), pretraining)
        report |= {"train": overlap.pairs(candidates, train), "test": overlap.pairs(candidates, tested)}
        message = f"{len(report['train']):,} of {len(train):,} training images and {len(report['test']):,} of {len(tested):,} test images "
        message += "were seen in pretraining"
        message = f"Warning: {message}: for them this is no test of new pictures." if len(overlap.found) else f"{message}."
    return drawn, report | {"message": message}
