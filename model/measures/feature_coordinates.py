"""Features as coordinates in the space that the training images span: all that a linear classifier can see of them, and few numbers."""

import numpy as np

# Features that are looked at together, of all images.
COLUMNS = 8192
# Directions in which training images vary less than this, as a share of the largest variance, are rounding.
NOTHING = 1e-10


def feature_coordinates(features: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and scales features by the training images, and gives them in as few coordinates as lose nothing.

    The training images' mean is subtracted, and all is divided by one number, so that their mean squared length is 1: the same strength of
    regularisation then means the same in every layer. Where there are more features than training images (a whole map of conv1 has tens
    of thousands), what is returned are coordinates along the directions in which the training images differ. They keep every inner
    product with a training image. The weights of a linear classifier with an L2 penalty are a sum of training images, so it is the same
    classifier, with the same answers (representer theorem); only that it takes n numbers an image.

    Args:
        features: float array `(N, features)`, which may lie on disk: columns of it are read in turn.
        train: int array, rows of the training images.
        test: int array, rows of the test images.

    Returns:
        float64 arrays `(len(train), k)` and `(len(test), k)`, where k is at most the smaller of `len(train)` and the number of features.

    Raises:
        ValueError: a feature is NaN or infinite.

    Examples:
        >>> known, new = feature_coordinates(features, np.arange(450), np.arange(450, 1200))  # features: (1200, 25392)
        >>> known.shape
        (450, 449)
    """
    wide = features.shape[1] > len(train)
    products, others = np.zeros((len(train), len(train))), np.zeros((len(test), len(train)))
    total, kept = 0.0, []
    for start in range(0, features.shape[1], COLUMNS):
        columns = features[:, start : start + COLUMNS]
        known, new = columns[train].astype(np.float64), columns[test].astype(np.float64)
        if not (np.isfinite(known).all() and np.isfinite(new).all()):
            raise ValueError("Features hold NaN or infinite values; expected finite ones.")
        mean = known.mean(axis=0)
        known, new = known - mean, new - mean
        total += np.square(known).sum()
        if wide:
            products += known @ known.T
            others += new @ known.T
        else:
            kept.append((known, new))
    scale = np.sqrt(total / len(train)) or 1.0
    if not wide:
        known, new = (np.concatenate(parts, axis=1) for parts in zip(*kept, strict=True))
        return known / scale, new / scale
    variances, directions = np.linalg.eigh(products / scale**2)
    found = variances > NOTHING * max(variances[-1], 1e-300)
    found[-1] = True  # Where all images are the same, one coordinate that is always 0.
    lengths = np.sqrt(np.maximum(variances[found], 0))
    directions = directions[:, found]
    return directions * lengths, (others / scale**2) @ directions / np.where(lengths > 0, lengths, 1)
