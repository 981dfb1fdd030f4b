"""How well a net's features serve for other classes: the accuracies of Tables 4 to 7."""

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from zfnet.components.features.candidates import Candidates
from zfnet.components.features.classifiers import classify
from zfnet.components.features.extract import extract_features
from zfnet.components.features.folds import Fold
from zfnet.components.features.from_scratch import train_from_scratch
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.feature_coordinates import feature_coordinates
from zfnet.model.measures.per_class_accuracy import per_class_accuracy
from zfnet.model.progress import progress

FROM_SCRATCH = "from scratch"


@dataclass(frozen=True)
class Accuracy:
    """What one classifier reaches on one layer with n training images a class.

    Args:
        classifier: `"softmax"`, `"svm"`, or `FROM_SCRATCH`.
        layer: the layer whose features it takes; None from scratch.
        per_class: training images a class.
        folds: for each fold the accuracy of each class, fractions 0..1.
    """

    classifier: str
    layer: str | None
    per_class: int
    folds: list[list[float]] = field(default_factory=list)

    @property
    def of_folds(self) -> list[float]:
        """For each fold the mean over classes."""
        return [float(np.mean(classes)) for classes in self.folds]

    @property
    def mean(self) -> float:
        """Mean over folds."""
        return float(np.mean(self.of_folds))

    @property
    def deviation(self) -> float | None:
        """Standard deviation over folds, of a sample; None of a single fold."""
        return float(np.std(self.of_folds, ddof=1)) if len(self.folds) > 1 else None

    def to_json(self) -> dict:
        """All of it."""
        return {
            "classifier": self.classifier,
            "layer": self.layer,
            "per_class": self.per_class,
            "mean": self.mean,
            "deviation": self.deviation,
            "folds": self.of_folds,
            "classes": self.folds,
        }


def measure_transfer(
    deconvnet: Deconvnet,
    candidates: Candidates,
    folds: Sequence[Fold],
    *,
    layers: Sequence[str],
    last: str,
    classifiers: Sequence[str],
    per_class: Sequence[int],
    from_scratch: bool,
    seed: int,
    work: pathlib.Path,
) -> list[Accuracy]:
    """Trains every classifier on every layer's features, in every fold.

    Zeiler & Fergus 2013, Tables 4 to 6: the last layer with several numbers of training images a class, beside the same net trained from
    scratch; Table 7: every layer with the largest of them. The accuracy is the mean over classes.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        candidates: the images.
        folds: draws of them.
        layers: names out of `deconvnet.layers`.
        last: the one of them that all numbers of training images are tried on.
        classifiers: `"softmax"`, `"svm"`.
        per_class: numbers of training images a class, ascending.
        from_scratch: whether to train the net anew as well.
        seed: of the classifiers, and of the fresh weights.
        work: a directory for features.

    Returns:
        The accuracies: of `last` and from scratch for all of `per_class`, of the other layers for the largest.
    """
    wanted = np.concatenate([np.concatenate([fold.train.ravel(), fold.test]) for fold in folds])
    numbers, features = extract_features(deconvnet, candidates, wanted, layers, work)
    classes = len(candidates.examples.labels)
    results: dict[tuple[str, str | None, int], Accuracy] = {}

    def add(classifier, layer, n, fold, answers):
        shares = per_class_accuracy(candidates.labels[fold.test], answers, classes)
        results.setdefault((classifier, layer, n), Accuracy(classifier, layer, n)).folds.append(shares.tolist())

    tasks = [(layer, n, fold) for layer in layers for n in (per_class if layer == last else per_class[-1:]) for fold in folds]
    for layer, n, fold in progress(tasks, len(tasks), "Training classifiers"):
        train = fold.train[:, :n].ravel()
        rows = np.searchsorted(numbers, train), np.searchsorted(numbers, fold.test)
        known, new = feature_coordinates(features[layer], *rows)
        for classifier in classifiers:
            add(classifier, layer, n, fold, classify(classifier, known, candidates.labels[train], new, seed))
    tasks = [(n, number) for n in per_class for number in range(len(folds))] if from_scratch else []
    for n, number in progress(tasks, len(tasks), "Training from scratch"):
        train, test = folds[number].train[:, :n].ravel(), folds[number].test
        directory = work / f"scratch-{n}-{number}"
        add(FROM_SCRATCH, None, n, folds[number], train_from_scratch(deconvnet.model, candidates, train, test, directory, seed + number))
    return list(results.values())
