"""Correspondence: whether hiding the same part of different images changes the features alike."""

from collections.abc import Iterator

import numpy as np

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.occlusion import cover_boxes
from zfnet.model.measures.outputs import flat_features

# Reading: a change within rounding has no sign. Rounding is at most this share of a layer's largest feature: the same image in another
# batch differs by less than a tenth of it.
ROUNDING = 1e-5


def change_signs(features: np.ndarray, occluded: np.ndarray, scale: float) -> np.ndarray:
    """sign(x - x~), int8: -1, 0 or 1, for features x and those with something hidden, x~; both float `(..., D)`.

    `scale` is the largest feature of the layer, in absolute value; changes up to `ROUNDING` of it count as 0.
    """
    change = np.subtract(features, occluded, dtype=np.float64)
    return np.where(np.abs(change) <= ROUNDING * scale, 0, np.sign(change)).astype(np.int8)


def pair_distances(signs: np.ndarray) -> np.ndarray:
    """Hamming distances between the signs `(N, D)` of all pairs of images, divided by the number of features.

    Reading: Zeiler & Fergus 2013, "Correspondence Analysis", sums over i != j and does not state the divisor; values like those of
    Table 1 are means over pairs and features. Each pair is here once, which has the same mean.

    Returns float64 `(N * (N - 1) / 2,)`, each 0..1: pairs (0, 1), (0, 2), ..., (1, 2), ...; fewer than two images are a ValueError.

    Examples:
        >>> pair_distances(np.array([[1, 0, -1], [1, 1, -1], [0, 0, 0]]))
        array([0.33333333, 0.66666667, 1.        ])
    """
    if len(signs) < 2:
        raise ValueError(f"There is {len(signs)} image to compare; expected at least two, since pairs of them are compared.")
    parts = [(signs[place] != signs[place + 1 :]).mean(axis=1) for place in range(len(signs) - 1)]
    return np.concatenate(parts)


def random_boxes(sizes: np.ndarray, within: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    """Places boxes at random, independently for each image, so that every place is equally likely; a ValueError if one does not fit.

    `sizes` `(N, 2)` has the width and height of the box of each image, and `within` `(N, 4)` the left, top, width, height of the region
    for it. Returns ints `(draws, N, 4)`: left, top, width, height.
    """
    room = within[:, 2:] - sizes
    if (room < 0).any():
        place = int(np.flatnonzero((room < 0).any(axis=1))[0])
        raise ValueError(
            f"A box of {sizes[place, 0]} x {sizes[place, 1]} pixels does not fit into the {within[place, 2]} x {within[place, 3]} of image "
            f"{place + 1} in which random ones are placed."
        )
    corners = within[:, :2] + random.integers(0, room + 1, (draws, len(sizes), 2))
    return np.concatenate([corners, np.broadcast_to(sizes, corners.shape)], axis=2)


def sign_changes(
    deconvnet: Deconvnet, images: np.ndarray, boxes: np.ndarray, fill: np.ndarray, layers: list[str], batch_size: int = 64
) -> Iterator[dict[str, np.ndarray]]:
    """Measures how differently hiding a part changes the features of different images.

    Zeiler & Fergus 2013, "Correspondence Analysis" and Table 1: e = x - x~ for each image, x the features and x~ those with the part
    hidden, and the Hamming distance of sign(e) of each pair of images. The lower, the more alike the changes. Yields for each draw of
    boxes, for each layer the distances of all pairs, as `pair_distances`.

    Args:
        boxes: `(draws, N, 4)` ints: left, top, width, height of the hidden part of each image.
        fill: content of the boxes, as in `cover_boxes`; the other arguments and errors are as in `flat_features`.

    Examples:
        >>> noses = np.tile([40, 40, 16, 16], (1, 4, 1))
        >>> (distances,) = sign_changes(deconvnet, images, noses, np.full(3, 128.0), ["pool5", "fc7"])
        >>> distances["pool5"].shape
        (6,)
    """
    features = flat_features(deconvnet, images, layers, batch_size)
    scales = {layer: float(np.abs(values).max()) for layer, values in features.items()}
    together = max(1, batch_size // len(images))
    for start in range(0, len(boxes), together):
        part = boxes[start : start + together]
        repeated = np.tile(images, (len(part), *[1] * (images.ndim - 1)))
        hidden = cover_boxes(repeated, part.reshape(-1, 4), fill, deconvnet.graph.channels_first)
        occluded = flat_features(deconvnet, hidden, layers, batch_size)
        for draw in range(len(part)):
            rows = slice(draw * len(images), (draw + 1) * len(images))
            signs = {layer: change_signs(features[layer], occluded[layer][rows], scales[layer]) for layer in layers}
            yield {layer: pair_distances(each) for layer, each in signs.items()}
