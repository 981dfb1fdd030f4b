"""Draws training and test images: some of each class, anew for each fold."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Fold(NamedTuple):
    """One draw.

    Attributes:
        train: int array `(classes, most)`, numbers of the training images; the first n columns are the draw of n images a class.
        test: int array `(T,)`, numbers of the test images.
    """

    train: np.ndarray
    test: np.ndarray


def draw_folds(
    labels: np.ndarray, trainable: np.ndarray, testable: np.ndarray, names: Sequence[str], *, most: int, test: int, folds: int, seed: int
) -> list[Fold]:
    """Draws the folds; no image is in training and in test of one fold.

    Zeiler & Fergus 2013, section 5.2: 15, 30, ... training images a class, up to 50 test images a class, over 5 folds.

    Args:
        labels: int array `(N,)`, the class of each image.
        trainable: bool array `(N,)`, which images training may draw.
        testable: bool array `(N,)`, which images the test may draw.
        names: of the classes.
        most: training images a class.
        test: test images a class, at most.
        folds: how many folds.
        seed: decides the draws, each fold's for itself: more folds begin with the same ones.

    Returns:
        The folds.

    Raises:
        ValueError: a class has not so many images to train on, or none to test, or there are fewer than two classes.
    """
    if len(names) < 2:
        raise ValueError(f"There {'is 1 class' if len(names) == 1 else 'are no classes'}; expected two at least.")
    drawn = []
    for fold in range(folds):
        random = np.random.default_rng([seed, fold])
        train, tested = [], []
        for label, name in enumerate(names):
            known = random.permutation(np.flatnonzero(trainable & (labels == label)))
            if len(known) < most:
                raise ValueError(f"Class {name!r} has {len(known)} images to train on, fewer than {most}: give smaller --per-class.")
            train.append(known[:most])
            new = random.permutation(np.setdiff1d(np.flatnonzero(testable & (labels == label)), known[:most]))
            if not len(new):
                raise ValueError(f"Class {name!r} has no image left to test: give a smaller --per-class, or more photographs.")
            tested.append(new[:test])
        drawn.append(Fold(np.stack(train), np.concatenate(tested)))
    return drawn
