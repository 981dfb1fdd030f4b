"""Invariance: how features and predictions change while images are transformed further and further."""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_layer, class_probabilities
from zfnet.model.measures.outputs import flat_features


class Untransformed(NamedTuple):
    """Reference for transformed images.

    Attributes:
        features: for each layer `(N, D)`, the features of the untransformed images.
        between: for each layer, the mean Euclidean distance of the features of two of them; None for a single image.
        probabilities: `(N, classes)`; None for a model without classes.
    """

    features: dict[str, np.ndarray]
    between: dict[str, float | None]
    probabilities: np.ndarray | None


class Invariance(NamedTuple):
    """One family of transformed images.

    Attributes:
        distances: for each layer `(N, steps)`, Euclidean distances from the features of the untransformed image.
        probabilities: `(N, steps)`, P of the class of each image; None for a model without classes.
    """

    distances: dict[str, np.ndarray]
    probabilities: np.ndarray | None


def untransformed(deconvnet: Deconvnet, images: np.ndarray, layers: list[str], batch_size: int = 64) -> Untransformed:
    """Measures untransformed images, for `invariance`; arguments and errors as in `flat_features`."""
    features, probabilities = _features_and_probabilities(deconvnet, images, layers, batch_size)
    between = {}
    for layer, values in features.items():
        pairs = [_distances(values[place], values[place + 1 :]) for place in range(len(values) - 1)]
        between[layer] = float(np.concatenate(pairs).mean()) if pairs else None
    return Untransformed(features, between, probabilities)


def invariance(
    deconvnet: Deconvnet,
    reference: Untransformed,
    transformed: Iterable[np.ndarray],
    classes: np.ndarray | None = None,
    batch_size: int = 64,
) -> Invariance:
    """Compares transformed images with the untransformed ones, the `reference`.

    Zeiler & Fergus 2013, section 4 ("Feature Invariance") and Fig. 5. Features that a transformation does not change have a curve
    of zeros; divide by `reference.between` to compare layers: 1 is the distance between two images.

    Args:
        deconvnet: of the model.
        reference: from `untransformed`.
        transformed: yields the transformed images, `(N, ...)` as the model takes them, one array a step; none is stored.
        classes: `(N,)`, the class of each image among the model's outputs; None for a model without classes.
        batch_size: number of images in one forward pass, from one step or several.

    Examples:
        >>> reference = untransformed(deconvnet, images, ["conv1", "fc7"])
        >>> shifted = (np.roll(images, shift, axis=1) for shift in range(3))
        >>> invariance(deconvnet, reference, shifted, np.array([0, 1, 2, 3])).distances["fc7"].shape
        (4, 3)
    """
    layers, found, probabilities = list(reference.features), [], []
    count = len(reference.features[layers[0]])
    for numbers, images in _batches(transformed, batch_size):
        features, outputs = _features_and_probabilities(deconvnet, images, layers, batch_size)
        found.append([_distances(reference.features[layer][numbers], features[layer]) for layer in layers])
        if classes is not None and outputs is not None:
            probabilities.append(outputs[np.arange(len(numbers)), np.asarray(classes)[numbers]])
    # Rows are ordered by step, then by image.
    distances = (np.concatenate(parts).reshape(-1, count).T for parts in zip(*found, strict=True))
    return Invariance(
        dict(zip(layers, distances, strict=True)), np.concatenate(probabilities).reshape(-1, count).T if probabilities else None
    )


def _features_and_probabilities(
    deconvnet: Deconvnet, images: np.ndarray, layers: list[str], batch_size: int
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    last = class_layer(deconvnet)
    found = flat_features(deconvnet, images, list(dict.fromkeys([*layers, *([last] if last else [])])), batch_size)
    return {layer: found[layer] for layer in layers}, class_probabilities(deconvnet, found[last]) if last else None


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.subtract(one, other, dtype=np.float64), axis=-1)


def _batches(transformed: Iterable[np.ndarray], batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of all steps' images, with the number of each image."""
    rows = ((number, image) for images in transformed for number, image in enumerate(images))
    while batch := list(itertools.islice(rows, batch_size)):
        numbers, images = zip(*batch, strict=True)
        yield np.array(numbers), np.stack(images)
