"""How features change, and what the model says, while images are transformed further and further."""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.outputs import class_layer, class_probabilities, flat_features


class Untransformed(NamedTuple):
    """What transformed images are compared with.

    Attributes:
        features: for each layer `(N, D)`, the features of the images as they are.
        between: for each layer, the mean Euclidean distance of the features of two of them; None of a single image.
        probabilities: `(N, classes)`; None of a model without classes.
    """

    features: dict[str, np.ndarray]
    between: dict[str, float | None]
    probabilities: np.ndarray | None


class Invariance(NamedTuple):
    """One family of transformed images.

    Attributes:
        distances: for each layer `(N, steps)`, Euclidean distances from the features of the untransformed image.
        probabilities: `(N, steps)`, P of the class of each image; None of a model without classes.
    """

    distances: dict[str, np.ndarray]
    probabilities: np.ndarray | None


def untransformed(deconvnet: Deconvnet, images: np.ndarray, layers: list[str], batch_size: int = 64) -> Untransformed:
    """Takes the features of images as they are.

    Args:
        deconvnet: of the model.
        images: `(N, ...)`, the images, as for `flat_features`.
        layers: names of the layers.
        batch_size: how many images go through the net together.

    Returns:
        What `invariance` compares with.

    Raises:
        ValueError: a layer is not there, or features are not numbers.
    """
    features, probabilities = _look(deconvnet, images, layers, batch_size)
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
    """Compares transformed images with what they were.

    Zeiler & Fergus 2013, section 4 ("Feature Invariance") and Fig. 5. A curve that stays at 0 is of features that the transformation does
    not touch; divide by `reference.between` to compare layers: 1 is as far as one image is from another.

    Args:
        deconvnet: of the model.
        reference: of the images as they are.
        transformed: yields the transformed images, `(N, ...)` as the model takes them, one array a step; nothing of it is kept.
        classes: `(N,)`, the class of each image among the model's outputs; None if the model has none.
        batch_size: images that go through the net together, of one step or of several.

    Returns:
        Distances and probabilities.

    Raises:
        ValueError: features are not numbers.

    Examples:
        >>> reference = untransformed(deconvnet, images, ["conv1", "fc7"])
        >>> invariance(deconvnet, reference, (np.roll(images, shift, axis=1) for shift in range(8)), labels).distances["fc7"].shape
        (5, 8)
    """
    layers, found, probabilities = list(reference.features), [], []
    count = len(reference.features[layers[0]])
    for numbers, images in _batches(transformed, batch_size):
        features, outputs = _look(deconvnet, images, layers, batch_size)
        found.append([_distances(reference.features[layer][numbers], features[layer]) for layer in layers])
        if classes is not None and outputs is not None:
            probabilities.append(outputs[np.arange(len(numbers)), np.asarray(classes)[numbers]])
    # Rows came step by step, of each step image by image.
    distances = (np.concatenate(parts).reshape(-1, count).T for parts in zip(*found, strict=True))
    return Invariance(
        dict(zip(layers, distances, strict=True)),
        np.concatenate(probabilities).reshape(-1, count).T if probabilities else None,
    )


def _look(deconvnet: Deconvnet, images: np.ndarray, layers: list[str], batch_size: int) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    last = class_layer(deconvnet)
    found = flat_features(deconvnet, images, list(dict.fromkeys([*layers, *([last] if last else [])])), batch_size)
    return {layer: found[layer] for layer in layers}, class_probabilities(deconvnet, found[last]) if last else None


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.subtract(one, other, dtype=np.float64), axis=-1)


def _batches(transformed: Iterable[np.ndarray], batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of all steps' images, and which of the images each one was."""
    rows = ((number, image) for images in transformed for number, image in enumerate(images))
    while batch := list(itertools.islice(rows, batch_size)):
        numbers, images = zip(*batch, strict=True)
        yield np.array(numbers), np.stack(images)
