"""Confusion of classes: how often each pair occurs, the most frequent mistakes, and an order that puts similar classes side by side."""

import collections
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from zfnet.components.artifacts import Evaluation

# Classes whose whole matrix is stored and clustered: memory and time of both grow with the square of the number.
WHOLE = 1000
MATRIX, PAIRS = "confusion.npy", "confusion.npz"


class Confusion(NamedTuple):
    """The cells of a confusion matrix that are not zero, row after row: as large as the examples make it, however many classes there are.

    Attributes:
        true: int64 `(n,)`, the true classes.
        predicted: int64 `(n,)`, the predicted classes.
        counts: int64 `(n,)`, examples of each pair.
        classes: number of classes.
    """

    true: np.ndarray
    predicted: np.ndarray
    counts: np.ndarray
    classes: int

    @classmethod
    def of(cls, labels: ArrayLike, predicted: ArrayLike, classes: int) -> Self:
        """Counts examples by their true classes, `labels`, and their `predicted` ones; both are ints `(n,)`, 0 to `classes - 1`.

        Examples:
            >>> Confusion.of([0, 0, 1], [0, 1, 1], 2).matrix().tolist()
            [[1, 1], [0, 1]]
        """
        pairs, counts = np.unique(np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64), return_counts=True)
        return cls(pairs // max(classes, 1), pairs % max(classes, 1), counts.astype(np.int64), classes)

    @classmethod
    def of_matrix(cls, matrix: ArrayLike) -> Self:
        """Takes counts `(classes, classes)`: rows are true classes, columns are predicted classes.

        Raises:
            ValueError: the matrix is not square, or has negative counts.
        """
        matrix = np.asarray(matrix)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not (matrix >= 0).all():
            raise ValueError(
                f"The confusion matrix has the shape {matrix.shape}: expected one row and one column per class, and counts from 0."
            )
        true, predicted = np.nonzero(matrix)
        return cls(true, predicted, matrix[true, predicted].astype(np.int64), len(matrix))

    def matrix(self) -> np.ndarray:
        """The whole matrix, int64 `(classes, classes)`: rows are true classes, columns are predicted classes."""
        whole = np.zeros((self.classes, self.classes), np.int64)
        whole[self.true, self.predicted] = self.counts
        return whole

    def shares(self) -> np.ndarray:
        """Share of the examples of the true class that each cell has, 0..1: float64 `(n,)`.

        Examples:
            >>> Confusion.of([0, 0, 0, 0, 1], [0, 1, 0, 0, 1], 2).shares().tolist()
            [0.75, 0.25, 1.0]
        """
        return self.counts / np.bincount(self.true, self.counts, self.classes)[self.true]

    def mistakes(self) -> np.ndarray:
        """Places of the cells that count mistakes, the most frequent first; equally frequent ones in the order of their classes."""
        wrong = np.flatnonzero(self.true != self.predicted)
        return wrong[np.argsort(-self.counts[wrong], kind="stable")]


def write_confusion(evaluation: Evaluation, confusion: Confusion) -> None:
    """Writes `confusion.npy`, the whole matrix, or for more than 1,000 classes `confusion.npz`, which `scipy.sparse.load_npz` reads."""
    if confusion.classes <= WHOLE:
        with (evaluation.path / MATRIX).open("wb") as file:
            np.save(file, confusion.matrix())
        return
    from scipy import sparse

    cells = sparse.coo_array((confusion.counts, (confusion.true, confusion.predicted)), (confusion.classes, confusion.classes))
    with (evaluation.path / PAIRS).open("wb") as file:
        sparse.save_npz(file, cells)


def read_confusion(evaluation: Evaluation) -> Confusion | None:
    """Reads what `write_confusion` wrote; None for an evaluation that was made before there was a matrix."""
    if (evaluation.path / MATRIX).exists():
        with (evaluation.path / MATRIX).open("rb") as file:
            return Confusion.of_matrix(np.load(file, allow_pickle=False))
    if not (evaluation.path / PAIRS).exists():
        return None
    from scipy import sparse

    with (evaluation.path / PAIRS).open("rb") as file:
        cells = sparse.load_npz(file)
    true, predicted = (np.asarray(place, np.int64) for place in cells.coords)
    return Confusion(true, predicted, cells.data, cells.shape[0])


def confused_pairs(confusion: Confusion, most: int) -> list[tuple[int, int, int]]:
    """Lists the most frequent mistakes: `(true class, predicted class, examples)`, most frequent first.

    Equally frequent ones are in the order of their classes.

    Examples:
        >>> confused_pairs(Confusion.of_matrix([[5, 1, 0], [3, 0, 0], [0, 0, 9]]), most=10)
        [(1, 0, 3), (0, 1, 1)]
    """
    best = confusion.mistakes()[:most]
    return list(zip(*(column[best].tolist() for column in confusion[:3]), strict=True))


def similar_order(confusion: Confusion) -> list[int]:
    """Orders classes so that those that are mistaken for each other are side by side.

    The similarity of two classes is the mean of the two shares of their examples that are mistaken for the other. Hierarchical clustering
    (average linkage) joins the most similar classes first; the result is the order of its leaves, optimal as in Bar-Joseph et al. 2001.
    Among more than 1,000 classes, two groups are as similar as their most similar classes (single linkage), so that only pairs of classes
    that were mistaken for each other are looked at.

    Returns:
        Every class once, as an int.

    Examples:
        >>> similar_order(Confusion.of_matrix([[5, 0, 5], [0, 9, 0], [5, 0, 5]]))
        [1, 2, 0]
    """
    if confusion.classes < 3:
        return list(range(confusion.classes))
    if confusion.classes > WHOLE:
        return _linked_order(confusion)
    # Scipy takes long to import, and only this function needs it.
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    shares = np.zeros((confusion.classes, confusion.classes))
    shares[confusion.true, confusion.predicted] = confusion.shares()
    distances = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distances, 0)
    joined = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(joined)]


def _linked_order(confusion: Confusion) -> list[int]:
    """Joins groups by their most similar pair of classes (Kruskal 1956), so that the two are side by side if both are at an end."""
    wrong = np.sort(confusion.mistakes())
    ends = np.sort(np.stack([confusion.true[wrong], confusion.predicted[wrong]]), axis=0)
    pairs, places = np.unique(ends[0] * confusion.classes + ends[1], return_inverse=True)
    similar = np.bincount(places, confusion.shares()[wrong], len(pairs))
    group = list(range(confusion.classes))
    members = {number: collections.deque([number]) for number in group}
    for pair in pairs[np.argsort(-similar, kind="stable")].tolist():
        one, other = divmod(pair, confusion.classes)
        if group[one] == group[other]:
            continue
        if len(members[group[one]]) < len(members[group[other]]):
            one, other = other, one
        # The smaller joins the larger: no class moves more often than the logarithm of their number.
        larger, smaller = members[group[one]], members.pop(group[other])
        if other == smaller[-1]:
            smaller.reverse()
        (larger.extendleft if one == larger[0] else larger.extend)(smaller)
        for number in smaller:
            group[number] = group[one]
    return [number for joined in members.values() for number in joined]
