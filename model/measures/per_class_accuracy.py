"""Accuracy of each class, and their mean: what Caltech-101 and Caltech-256 are scored by."""

import numpy as np


def per_class_accuracy(labels: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """The share of each class's images that are answered rightly; their mean weighs all classes alike.

    Zeiler & Fergus 2013, section 5.2: "the average accuracy per class".

    Args:
        labels: int array `(N,)`, the true classes.
        answers: int array `(N,)`, the classes that were answered.
        classes: how many classes there are.

    Returns:
        float64 array `(classes,)`, fractions 0..1.

    Raises:
        ValueError: a class has no image, the two arrays differ in length, or a label is no class.

    Examples:
        >>> per_class_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), 2)
        array([1., 0.])
    """
    labels, answers = np.asarray(labels), np.asarray(answers)
    if labels.shape != answers.shape or labels.ndim != 1:
        raise ValueError(f"There are labels of shape {labels.shape} and answers of shape {answers.shape}; expected one answer a label.")
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"Labels go from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}.")
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        raise ValueError(f"Class {counts.argmin()} has no image to test: its accuracy is not defined.")
    return np.bincount(labels, answers == labels, minlength=classes) / counts
