"""Confusion of classes: the matrix, its most frequent pairs, and an order of the classes that puts similar ones side by side."""

import numpy as np


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts examples by true and by predicted class.

    Args:
        labels: int `(n,)`, the true classes, 0 to `classes - 1`.
        predicted: int `(n,)`, the predicted classes.
        classes: number of classes.

    Returns:
        int64 `(classes, classes)`: rows are true classes, columns are predicted classes.

    Examples:
        >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    pairs = np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def confused_pairs(matrix: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """Lists the most frequent mistakes of a confusion matrix: `(true class, predicted class, examples)`, most frequent first.

    Pairs without an example are left out; equally frequent ones are in the order of their classes.

    Examples:
        >>> confused_pairs(np.array([[5, 1, 0], [3, 0, 0], [0, 0, 9]]), most=10)
        [(1, 0, 3), (0, 1, 1)]
    """
    mistakes = np.array(matrix)
    np.fill_diagonal(mistakes, 0)
    places = np.flatnonzero(mistakes)
    counts = mistakes.flat[places]
    best = np.argsort(-counts, kind="stable")[:most]
    return [(*divmod(int(places[each]), len(mistakes)), int(counts[each])) for each in best]


def row_shares(matrix: np.ndarray) -> np.ndarray:
    """The shares of each class's examples by predicted class: float `(classes, classes)`; zeros for a class without examples.

    Examples:
        >>> row_shares(np.array([[3, 1], [0, 0]])).tolist()
        [[0.75, 0.25], [0.0, 0.0]]
    """
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)


def similar_order(matrix: np.ndarray) -> list[int]:
    """Orders classes so that those that are mistaken for each other are side by side.

    The similarity of two classes is the mean of the two shares of their examples that are mistaken for the other. Hierarchical clustering
    (average linkage) joins the most similar classes first; the result is the order of its leaves, optimal as in Bar-Joseph et al. 2001.

    Args:
        matrix: counts `(classes, classes)`: rows are true classes, columns are predicted classes.

    Returns:
        Every class once, as an int.

    Raises:
        ValueError: the matrix is not square, or has negative counts.

    Examples:
        >>> similar_order(np.array([[5, 0, 5], [0, 9, 0], [5, 0, 5]]))
        [1, 2, 0]
    """
    # Scipy takes long to import, and only this function needs it.
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not (matrix >= 0).all():
        raise ValueError(
            f"The confusion matrix has the shape {matrix.shape}: expected one row and one column per class, and counts from 0."
        )
    if len(matrix) < 3:
        return list(range(len(matrix)))
    shares = row_shares(matrix)
    distances = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distances, 0)
    joined = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(joined)]
