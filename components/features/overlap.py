"""Which images of the data are also in what a net was pretrained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import central_batches, read_origins
from zfnet.components.features.candidates import Candidates
from zfnet.model.measures.picture_correlation import Matches, Thumbnails, compare_pictures, thumbnails
from zfnet.model.progress import progress

BATCH = 256


@dataclass(frozen=True, eq=False)
class Overlap:
    """What was found.

    Args:
        numbers: int `(n,)`, the images that were looked for, ascending.
        matches: for each the most similar one of the pretraining set.
        ids: of the pretraining set.
    """

    numbers: np.ndarray
    matches: Matches
    ids: list[str]

    @property
    def found(self) -> np.ndarray:
        """Numbers of the images that are in the pretraining set."""
        return self.numbers[self.matches.margins >= 0]

    def pairs(self, candidates: Candidates, numbers: ArrayLike) -> list[dict]:
        """Those of `numbers` that were found: their id, that of the same picture in the pretraining set, and the correlation."""
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


def find_overlap(candidates: Candidates, numbers: ArrayLike, pretraining: Examples) -> Overlap:
    """Compares images with all that the net was pretrained on, in memory that does not grow with the latter.

    Zeiler & Fergus 2013, section 5.2. The paper took such images out of ImageNet and trained anew; here they are reported, or left out
    of the data. `components/data/same_pictures.py` finds equal bytes alone; this also finds pictures compressed or scaled anew, cut
    slightly otherwise, or mirrored.

    Args:
        candidates: the images.
        numbers: which of them to look for.
        pretraining: prepared examples; their split `train` is looked through.

    Returns:
        What was found.
    """
    numbers = np.unique(numbers)
    # The whole stored squares: what a central crop holds depends on the size of the net's input.
    parts = [thumbnails(images) for images, _ in candidates.batches(numbers, candidates.examples.side, BATCH)]
    pictures = Thumbnails(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    matches = Matches.none(len(numbers))
    batches = central_batches(pretraining, "train", size=pretraining.side, batch_size=BATCH)
    for images, _, places in progress(batches.as_numpy_iterator(), len(batches), "Looking for images seen in pretraining"):
        others = thumbnails(images)
        for start in range(0, len(numbers), BATCH * 16):
            block = slice(start, start + BATCH * 16)
            better = compare_pictures(
                Matches(*(column[block] for column in matches)), Thumbnails(*(column[block] for column in pictures)), others, places
            )
            for column, changed in zip(matches, better, strict=True):
                column[block] = changed
    return Overlap(numbers, matches, read_origins(pretraining, "train")[2])
