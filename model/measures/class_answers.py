"""The classes that each unit answers to, counted in the pass that finds its strongest activations."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest, strongest_activations

TOP = 100  # Strongest images whose classes are counted.
WITHIN = 9  # Strongest images within each class.
# Images that are counted together: the first ones, whose activations become the borders of the bins, and those that follow.
FIRST, NEXT = 4096, 1024
# Counts of one layer, 64 MB: so many bins it has for each unit and class.
COUNTS = 1 << 24


class ClassAnswers(NamedTuple):
    """How the units of one layer answer to classes; a unit's activation in an image is its strongest one there.

    Attributes:
        auc: float32 `(units, classes)`, area under the ROC curve: the probability that the unit is more active in an image of the class
            than in an image of another, where equal activations count half. 0.5 is chance. NaN for a class without images, or with all.
        auc_error: the largest possible error of any `auc`: 0 up to 4,096 images, or fewer for more than 4,096 units times classes.
        share: float32 `(units, classes)`, share of the unit's `counted` strongest images that are of the class, 0..1; images in which the
            unit is not positive count for no class. NaN for a class without images.
        counted: int64 `(classes,)`, 100, or the number of images of the class if there are fewer.
        values, examples: float32 and int64 `(units, classes, 9)`, the activations and ids of the nine strongest images within each class,
            strongest first; -inf and -1 for missing ones.
    """

    auc: np.ndarray
    auc_error: float
    share: np.ndarray
    counted: np.ndarray
    values: np.ndarray
    examples: np.ndarray

    def best(self, unit: int, count: int) -> list[int]:
        """The classes with the highest AUC of a unit, highest first; without those whose AUC is not known."""
        order = np.argsort(-self.auc[unit], kind="stable")  # NaN comes last.
        return [number for number in order[:count].tolist() if np.isfinite(self.auc[unit, number])]


class AnswerCounts:
    """Counts activations by class, for `strongest_activations(..., seen=counts.seen)`; memory use does not grow with the images.

    Activations are sorted into bins, whose borders are activations of the first images. As long as every activation is a border, all is
    exact. Afterwards two activations in one bin count as equal; `ClassAnswers.auc_error` says how much this can change.

    Args:
        labels: ints `(N,)`, the class of the image with each id; ids are 0 to N - 1.
        classes: number of classes; None takes the largest label and 1.
        within: strongest images within each class that are kept, for each unit.

    Examples:
        >>> counts = AnswerCounts([0, 0, 1, 1])
        >>> counts.seen("conv1", np.array([[3.0, 0.0], [2.0, 5.0], [1.0, 5.0], [0.0, 7.0]]), np.arange(4))
        >>> counts.answers("conv1").auc.tolist()
        [[1.0, 0.0], [0.125, 0.875]]
    """

    def __init__(self, labels: ArrayLike, classes: int | None = None, within: int = WITHIN) -> None:
        self._labels = np.asarray(labels)
        if self._labels.ndim != 1 or not np.issubdtype(self._labels.dtype, np.integer) or (self._labels < 0).any():
            raise ValueError(
                f"The labels have the shape {self._labels.shape} and type {self._labels.dtype}; expected the class of each image, (N,) "
                "whole numbers from 0 on. One-hot labels have to be `labels.argmax(axis=1)`."
            )
        self._classes = classes or int(self._labels.max(initial=0)) + 1
        self._within = within
        self._layers: dict[str, _LayerCounts] = {}

    def seen(self, layer: str, maxima: np.ndarray, ids: np.ndarray) -> None:
        """Counts the activations `(n, units)` of a layer in images, by their ids.

        Raises:
            ValueError: there is no label for an id.
        """
        if len(ids) and ids.max() >= len(self._labels):
            raise ValueError(
                f"There are {len(self._labels)} labels, and an image with the id {ids.max()}; expected a label for each image."
            )
        if layer not in self._layers:
            self._layers[layer] = _LayerCounts(maxima.shape[1], self._labels, self._classes, self._within)
        self._layers[layer].add(np.nan_to_num(maxima, nan=-np.inf), ids)

    def answers(self, layer: str) -> ClassAnswers:
        """The answers of a layer to all images that were seen so far."""
        return self._layers[layer].answers()


class _LayerCounts:
    """Counts of one layer: a value is in bin b of a unit if it is greater than `borders[b - 1]`, and not greater than `borders[b]`."""

    def __init__(self, units: int, labels: np.ndarray, classes: int, within: int) -> None:
        self._labels, self._classes, self._units = labels, classes, units
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._borders: np.ndarray | None = None  # (units, bins)
        self._strongest = Strongest.none(units, TOP, 0)
        self._within = [Strongest.none(units, within, 0) for _ in range(classes if within else 0)]

    def add(self, values: np.ndarray, ids: np.ndarray) -> None:
        self._waiting.append((values, ids))
        if sum(len(each) for _, each in self._waiting) >= (FIRST if self._borders is None else NEXT):
            self._count()

    def _count(self) -> None:
        values, ids = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        labels, self._waiting = self._labels[ids], []
        if self._borders is None:
            self._borders = _borders(values, min(len(values), max(2, COUNTS // (self._units * self._classes))))
            self._counts = np.zeros((self._units, self._classes, self._borders.shape[1]), np.uint32)
            self._is_mixed = np.zeros(self._borders.shape, bool)  # Bins with other values than their border.
        for unit, column in enumerate(values.T):
            bins = np.searchsorted(self._borders[unit], column)
            np.add.at(self._counts[unit], (labels, bins), 1)
            self._is_mixed[unit, bins[self._borders[unit, bins] != column]] = True
        self._strongest = self._strongest.merge(_without_positions(values, ids))
        for label in np.unique(labels) if self._within else ():
            rows = labels == label
            self._within[label] = self._within[label].merge(_without_positions(values[rows], ids[rows]))

    def answers(self) -> ClassAnswers:
        if self._waiting:
            self._count()
        of_class = self._counts[0].sum(axis=1, dtype=np.int64)
        pairs = of_class * (of_class.sum() - of_class)
        auc, error = np.zeros((2, self._units, self._classes))
        for unit, counts in enumerate(self._counts):
            counts = counts.astype(np.int64)
            others = counts.sum(axis=0) - counts
            weaker = np.cumsum(others, axis=1) - others
            auc[unit] = (counts * (weaker + others / 2)).sum(axis=1)
            error[unit] = (counts * others)[:, self._is_mixed[unit]].sum(axis=1) / 2
        counted = np.minimum(of_class, TOP)
        unit, rank = np.nonzero(self._strongest.values > 0)
        label = self._labels[self._strongest.examples[unit, rank]]
        counts_for = rank < counted[label]
        votes = np.bincount(unit[counts_for] * self._classes + label[counts_for], minlength=self._units * self._classes)
        none = np.zeros((self._units, self._classes, 0))
        with np.errstate(invalid="ignore"):  # NaN for classes without images.
            auc, error, share = auc / pairs, error / pairs, votes.reshape(self._units, -1) / counted
        return ClassAnswers(
            auc.astype(np.float32),
            float(np.nanmax(error, initial=0)),
            share.astype(np.float32),
            counted,
            np.stack([each.values for each in self._within], axis=1) if self._within else none.astype(np.float32),
            np.stack([each.examples for each in self._within], axis=1) if self._within else none.astype(np.int64),
        )


def _borders(values: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the values `(n, units)` of each unit, rising and spread evenly, and infinity behind them: `(units, bins)`."""
    borders = np.full((values.shape[1], most + 1), np.inf, np.float32)
    for unit, column in enumerate(values.T):
        found = np.unique(column)
        if len(found) > most:
            found = found[np.linspace(0, len(found) - 1, most).round().astype(int)]
        borders[unit, : len(found)] = found
    return borders


def _without_positions(values: np.ndarray, ids: np.ndarray) -> Strongest:
    shape = values.T.shape
    return Strongest(values.T, np.broadcast_to(ids, shape), np.zeros((*shape, 0), np.int32))


def class_answers(model: keras.Model | Deconvnet, batches: Iterable, layers: Sequence[str], labels: ArrayLike) -> dict[str, ClassAnswers]:
    """Measures which classes each unit answers to, over labelled images, in one pass.

    Args:
        model: as in `strongest_activations`.
        batches: images, alone or with ids, as in `strongest_activations`.
        layers: names of layers, as in `Deconvnet.layers`.
        labels: ints `(N,)`, the class of each image, in the order of the images, or by their ids.

    Returns:
        For each layer the answers of all of its units. Memory use does not grow with the number of images.

    Raises:
        ValueError: labels are not classes, or there are fewer labels than images; activations are not numbers; otherwise as
            `strongest_activations`.

    Examples:
        >>> answers = class_answers(model, [images], ["conv5"], [0, 0, 1, 1])["conv5"]
        >>> answers.auc.shape, answers.counted.tolist()
        ((128, 2), [2, 2])
    """
    counts = AnswerCounts(labels)
    found = strongest_activations(model, batches, list(layers), k=1, seen=counts.seen)
    for layer, strongest in found.items():
        if (strongest.values <= np.finfo(np.float32).min).any():
            raise ValueError(f"Activations of layer {layer!r} are not all numbers (NaN); neither can the model's weights be.")
    return {layer: counts.answers(layer) for layer in layers}
