"""Tells places of a photograph apart, so that nine examples of a feature map are not nine views of one."""

import numpy as np

# Windows that share more than this part of the smaller one show the same place.
SAME_PLACE = 0.5


def distinct_places(photographs: list[str], boxes: np.ndarray, count: int) -> list[int]:
    """Chooses the first `count` windows that show different places.

    Args:
        photographs: which photograph each window lies in, best window first.
        boxes: `(N, 4)` numbers: top, left, bottom, right of each window in its photograph, in pixels.
        count: how many to choose.

    Returns:
        Indices of the chosen ones, in order; fewer than `count` if there are not as many places. A window that shares more than half of
        its area, or of the other's, with a chosen one is passed over.

    Examples:
        >>> distinct_places(["cat", "cat", "cup"], np.array([[0, 0, 9, 9], [1, 0, 10, 9], [0, 0, 9, 9]]), 9)
        [0, 2]
    """
    chosen: list[int] = []
    plain = boxes.tolist()  # Single numbers are many times faster so, and this is asked for every map of a net.
    for index, photograph in enumerate(photographs):
        if len(chosen) == count:
            break
        if not any(photographs[other] == photograph and _overlap(plain[index], plain[other]) > SAME_PLACE for other in chosen):
            chosen.append(index)
    return chosen


def _overlap(one: list[int], other: list[int]) -> float:
    shared = [max(0, min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis])) for axis in range(2)]
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared[0] * shared[1] / max(smaller, 1)
