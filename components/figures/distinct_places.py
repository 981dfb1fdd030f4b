"""Tells places of a photograph apart, so that nine examples of a feature map are not nine views of one."""

import numpy as np

# Images that share more than this part of the smaller one show the same place.
SAME_PLACE = 0.25


def distinct_places(photographs: list[str], boxes: np.ndarray, count: int) -> list[int]:
    """Chooses the first `count` images that show different places.

    Args:
        photographs: which photograph each image was cut from, best image first.
        boxes: `(N, 4)` ints: top, left, bottom, right of each image in its photograph, in pixels.
        count: how many to choose.

    Returns:
        Indices of the chosen ones, in order; fewer than `count` if there are not as many places. An image that shares more than a
        quarter of its area, or of the other's, with a chosen one is passed over.

    Examples:
        >>> distinct_places(["cat", "cat", "cup"], np.array([[0, 0, 9, 9], [1, 0, 10, 9], [0, 0, 9, 9]]), 9)
        [0, 2]
    """
    chosen: list[int] = []
    for index, photograph in enumerate(photographs):
        if len(chosen) == count:
            break
        if not any(photographs[other] == photograph and _overlap(boxes[index], boxes[other]) > SAME_PLACE for other in chosen):
            chosen.append(index)
    return chosen


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    shared = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    smaller = min(np.prod(one[2:] - one[:2]), np.prod(other[2:] - other[:2]))
    return float(np.prod(shared) / smaller)
