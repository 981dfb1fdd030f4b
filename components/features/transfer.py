"""Classifiers on features of a model with frozen weights: the accuracies of Tables 4 to 7."""

import pathlib
import shutil
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn import exceptions, linear_model, svm

from zfnet.components.data.batches import PIXELS
from zfnet.components.features.candidates import Candidates, Fold
from zfnet.components.features.from_scratch import train_from_scratch
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.outputs import feature_coordinates
from zfnet.model.progress import progress

FROM_SCRATCH = "from scratch"
# Both minimise |w|^2 / 2 + C times the sum of the losses, on features of mean squared length 1 (`feature_coordinates`). Fixed, not
# chosen for each data set: from C = 1 for the SVM and 100 for the softmax on, ten or a hundred times as much changes little.
STRENGTHS = {"softmax": 1000.0, "svm": 10.0}
MOST_ITERATIONS = 10_000


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of one classifier on one layer, with `per_class` training images a class.

    Args:
        classifier: `"softmax"`, `"svm"`, or `FROM_SCRATCH`.
        layer: the layer whose features it takes; None from scratch.
        folds: for each fold the accuracy of each class, fractions 0..1.
    """

    classifier: str
    layer: str | None
    per_class: int
    folds: list[list[float]]

    @property
    def of_folds(self) -> list[float]:
        """Mean over classes, for each fold."""
        return [float(np.mean(classes)) for classes in self.folds]

    @property
    def mean(self) -> float:
        """Mean over folds."""
        return float(np.mean(self.of_folds))

    @property
    def deviation(self) -> float | None:
        """Standard deviation over folds, of a sample; None for a single fold."""
        return float(np.std(self.of_folds, ddof=1)) if len(self.folds) > 1 else None

    def to_json(self) -> dict:
        """Fields, mean and deviation; `folds` are the means over classes, and `classes` the fields `folds`."""
        summary = {"mean": self.mean, "deviation": self.deviation, "folds": self.of_folds, "classes": self.folds}
        return {"classifier": self.classifier, "layer": self.layer, "per_class": self.per_class, **summary}


def measure_transfer(
    deconvnet: Deconvnet,
    candidates: Candidates,
    folds: list[Fold],
    layers: list[str],
    per_class: list[int],
    *,
    classifiers: tuple[str, ...],
    from_scratch: bool,
    seed: int,
    work: pathlib.Path,
) -> list[Accuracy]:
    """Trains every classifier on every layer's features, in every fold.

    Zeiler & Fergus 2013, Tables 4 to 6: the last layer with several numbers of training images a class, beside the same net trained from
    scratch; Table 7: every layer with the largest of them. See also `extract_features` and `classify`.

    Args:
        layers: names of layers; all numbers of training images are tried on the last one.
        per_class: numbers of training images a class, ascending.
        seed: of the classifiers, and of the fresh weights from scratch.
        work: a directory for features and images.
    """
    wanted = np.concatenate([np.concatenate([fold.train.ravel(), fold.test]) for fold in folds])
    numbers, features = extract_features(deconvnet, candidates, wanted, layers, work)
    classes = len(candidates.examples.labels)
    results: dict[tuple[str, str | None, int], Accuracy] = {}

    def add(classifier, layer, n, fold, predicted):
        shares = per_class_accuracy(candidates.labels[fold.test], predicted, classes)
        results.setdefault((classifier, layer, n), Accuracy(classifier, layer, n, [])).folds.append(shares.tolist())

    tasks = [(layer, n, fold) for layer in layers for n in (per_class if layer == layers[-1] else per_class[-1:]) for fold in folds]
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


def extract_features(
    deconvnet: Deconvnet, candidates: Candidates, numbers: np.ndarray, layers: list[str], folder: pathlib.Path
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Runs a net that takes RGB 0..255 once over central crops of images and writes all activations of several layers to disk.

    Zeiler & Fergus 2013, section 5. Reading: whole maps, neither pooled nor sampled. `layers` are out of `deconvnet.layers`; a softmax
    layer gives its logits. `folder` gets one file of float32 numbers a layer.

    Returns:
        The numbers, each once and ascending, `(n,)`; and for each layer its features `(n, features)`, float32, in that order, on disk.

    Raises:
        ValueError: a feature is NaN or infinite.
        OSError: the disk has too little room.
    """
    numbers = np.unique(numbers)
    image_input = ImageInput.of(deconvnet.model, candidates.examples.image_size)
    batch_size = max(1, PIXELS // (image_input.height * image_input.width))
    batches = candidates.batches(numbers, image_input.side, batch_size)
    features: dict[str, np.ndarray] = {}
    row = 0
    for images, _ in progress(batches, -(-len(numbers) // batch_size), "Computing features"):
        activations = deconvnet.activations(image_input.to_model_layout(image_input.crop(images)), list(layers))
        flat = [np.reshape(values, (len(images), -1)).astype(np.float32, copy=False) for values in activations]
        if not features:
            check_free_space(folder, len(numbers) * sum(values.shape[1] for values in flat) * 4)
        for place, (layer, values) in enumerate(zip(layers, flat, strict=True)):
            if not np.isfinite(values).all():
                raise ValueError(f"Layer {layer!r} gives NaN or infinite values; expected finite features.")
            if layer not in features:
                file = folder / f"features-{place}"
                features[layer] = np.memmap(file, np.float32, "w+", shape=(len(numbers), values.shape[1]))
            features[layer][row : row + len(images)] = values
        row += len(images)
    return numbers, features


def check_free_space(folder: pathlib.Path, needed: int) -> None:
    """Fails if a folder's disk has less room than `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"The features take {needed / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free beside --out: name fewer --layer, or give "
            "smaller --per-class, --folds or --test-per-class."
        )


def per_class_accuracy(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Computes the share of each class's images that are classified rightly (Zeiler & Fergus 2013, section 5.2).

    The true and the predicted classes are int arrays `(N,)`, numbers below `classes`; the shares are float64 `(classes,)`, 0..1.

    Raises:
        ValueError: a class has no image, the two arrays differ in length, or a label is no class.

    Examples:
        >>> per_class_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), 2)
        array([1., 0.])
    """
    if labels.shape != predicted.shape or labels.ndim != 1:
        raise ValueError(f"Labels have the shape {labels.shape}, predictions {predicted.shape}; expected one prediction a label.")
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"Labels go from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}.")
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        raise ValueError(f"Class {counts.argmin()} has no image to test: its accuracy is not defined.")
    return np.bincount(labels, predicted == labels, minlength=classes) / counts


def classify(classifier: str, known: np.ndarray, labels: np.ndarray, new: np.ndarray, seed: int) -> np.ndarray:
    """Trains a classifier to convergence, and predicts classes.

    Readings: the softmax is multinomial logistic regression with an L2 penalty (L-BFGS); the SVM is linear, one class against all
    others, with squared hinge loss (liblinear's primal solver). The paper states neither penalty nor solver.

    Args:
        classifier: `"softmax"` or `"svm"`.
        known, labels: float64 `(n, k)`, features of the training images, and int `(n,)`, their classes, two at least.
        new: float64 `(m, k)`, features of the images to classify.
        seed: of the SVM's random numbers.

    Returns:
        int `(m,)`, the predicted classes.

    Raises:
        ValueError: there is no such classifier, or it does not converge.
    """
    if classifier not in STRENGTHS:
        raise ValueError(f"There is no classifier {classifier!r}; there are {', '.join(STRENGTHS)}.")
    strength = STRENGTHS[classifier]
    if classifier == "softmax":
        learner = linear_model.LogisticRegression(C=strength, max_iter=MOST_ITERATIONS)
    else:
        learner = svm.LinearSVC(C=strength, dual=False, max_iter=MOST_ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", exceptions.ConvergenceWarning)
        try:
            return learner.fit(known, labels).predict(new)
        except exceptions.ConvergenceWarning as error:
            raise ValueError(
                f"The {classifier} did not converge within {MOST_ITERATIONS:,} iterations: are the features finite?"
            ) from error
