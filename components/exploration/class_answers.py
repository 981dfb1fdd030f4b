"""The classes that each unit answers to, measured over labelled examples."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats

from zfnet.components.figures.gallery.example_search import ExampleSearch

STRONGEST = 100  # Images whose classes are counted.


class ClassAnswers(NamedTuple):
    """The answers of one layer's units to each class.

    Attributes:
        auc: float32 `(units, classes)`, area under the ROC curve of the unit's strongest activation in an image, for images of the class
            against all others: 0.5 is chance, 1 is a unit that is always stronger in images of the class. NaN for a class without images,
            or with all.
        share: float32 `(units, classes)`, share of the unit's 100 strongest images that are of the class.
    """

    auc: np.ndarray
    share: np.ndarray


def class_answers(search: ExampleSearch, layers: Sequence[str]) -> dict[str, ClassAnswers]:
    """Measures the units of some layers over the images of a search, which have labels."""
    labels = search.images.origins.labels
    parts: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
    numbers: list[np.ndarray] = []
    for images, ids in search.images.batches("Comparing classes", None):
        numbers.append(ids)
        for _, (maxima, _) in search.deconvnet.maxima(images, list(layers)):
            for layer, highest in zip(layers, maxima, strict=True):
                parts[layer].append(np.asarray(highest))
    of_class = labels[np.concatenate(numbers)]
    return {layer: _answers(np.concatenate(found), of_class, len(search.images.labels)) for layer, found in parts.items()}


def _answers(values: np.ndarray, labels: np.ndarray, classes: int) -> ClassAnswers:
    """Both measures of activations `(N, units)` with the class of each image, ints `(N,)`."""
    is_class = (labels[:, None] == np.arange(classes)).astype(np.float32)
    inside = is_class.sum(axis=0)
    outside = len(labels) - inside
    # The sum of ranks counts the pairs in which the image of the class is stronger; ties count a half (Mann and Whitney).
    ranks = scipy.stats.rankdata(values, axis=0).astype(np.float64)
    pairs = ranks.T @ is_class - inside * (inside + 1) / 2
    auc = np.where(inside * outside > 0, pairs / np.maximum(inside * outside, 1), np.nan)
    strongest = np.argsort(-values, axis=0, kind="stable")[:STRONGEST]
    return ClassAnswers(auc.astype(np.float32), is_class[strongest].mean(axis=0))
