"""Numbers of an evaluation: a list of measures, functions of the table of answers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from zfnet.components.evaluation.answers import Answers, answer_split
from zfnet.components.evaluation.confusion import Confusion, confused_pairs
from zfnet.components.evaluation.errors import error_shares
from zfnet.components.evaluation.probabilities import Probabilities

BINS = 15
WRONG_ANSWERS = 3
# Entries of a list, so that evaluation.json stays small with 1,000 classes.
MOST = 100
LONGEST = 200  # characters of a slice's name


def errors(answers: Answers) -> dict[str, Any]:
    """Top-1 and top-5 error, fractions 0..1, strictly: a tie with the true class is an error, and so is NaN (see `top_k_error`)."""
    return error_shares(answers.ranks, answers.classes)


def calibrate(answers: Answers) -> dict[str, Any]:
    """Compares the probability of the best guess with how often it is right, in 15 equal bins of the probability (Guo et al. 2017).

    Returns:
        `expected_calibration_error`: mean distance between the two over the examples, 0..1; and `calibration`, for each bin that has
        examples, from low to high probability: their number, their mean probability (`confidence`), and the share that is right
        (`accuracy`).

    Examples:
        >>> sure = Answers(*(np.array(column) for column in ([0, 0], [0, 1], [1.0, 1.0], [1, 2], [1.0, 0.0])), classes=2)
        >>> calibrate(sure)["expected_calibration_error"]
        0.5
    """
    places = np.minimum((answers.probabilities * BINS).astype(int), BINS - 1)
    counts, confidence, right = (
        np.bincount(places, weights, BINS) for weights in (None, answers.probabilities, (answers.ranks == 1).astype(float))
    )
    bins = [
        {"examples": int(counts[each]), "confidence": float(confidence[each] / counts[each]), "accuracy": float(right[each] / counts[each])}
        for each in np.flatnonzero(counts)
    ]
    error = sum(each["examples"] * abs(each["accuracy"] - each["confidence"]) for each in bins) / len(places)
    return {"expected_calibration_error": float(error), "calibration": bins}


# Every evaluation computes all of these.
MEASURES: list[Callable[[Answers], dict[str, Any]]] = [errors, calibrate]


def by_class(answers: Answers, names: list[str]) -> list[dict[str, Any]]:
    """Number of examples, errors and most frequent wrong answers of each class, in the order of `names`.

    The errors are None for a class without examples. Each entry is
    `{"class", "examples", "top1_error", "top5_error", "mistaken_for"}`; the last is a list of at most three `{"class", "examples"}`, most
    frequent first.

    Examples:
        >>> by_class(answer_split([Probabilities(model, examples)], "validation")[0], examples.labels)[0]["class"]
        'ant'
    """
    confusion = Confusion.of(answers.labels, answers.predicted, answers.classes)
    mistaken_for: list[list[dict[str, Any]]] = [[] for _ in names]
    for true, other, count in confused_pairs(confusion, len(confusion.counts)):
        if len(mistaken_for[true]) < WRONG_ANSWERS:
            mistaken_for[true].append({"class": names[other], "examples": count})
    order = np.argsort(answers.labels, kind="stable")
    ranks = np.split(answers.ranks[order], np.searchsorted(answers.labels[order], np.arange(1, answers.classes)))
    return [
        {"class": name, "examples": len(own)} | error_shares(own, answers.classes) | {"mistaken_for": wrong}
        for name, own, wrong in zip(names, ranks, mistaken_for, strict=True)
    ]


def by_slice(answers: Answers, values: Sequence[str], most: int | None = None) -> list[dict[str, Any]]:
    """Number of examples and errors of each slice, the largest slice first: `{"value", "examples", "top1_error", "top5_error"}`.

    `values` has one text per example, in the order of the split; examples with the same text are one slice. If there are more slices than
    `most`, the examples of the smallest are one more, whose value is None.

    Examples:
        >>> answers = answer_split([Probabilities(model, examples)], "validation")[0]
        >>> [each["examples"] for each in by_slice(answers, ["phone"] * 15 + ["camera"] * 5)]
        [15, 5]
    """
    names, places, counts = np.unique(np.array(values, object), return_inverse=True, return_counts=True)
    ranks = np.split(answers.ranks[np.argsort(places, kind="stable")], np.cumsum(counts)[:-1])
    order = np.argsort(-counts, kind="stable")
    slices: list[tuple[str | None, np.ndarray]] = [(str(names[place])[:LONGEST], ranks[place]) for place in order[:most]]
    if others := [ranks[place] for place in order[len(slices) :]]:
        slices.append((None, np.concatenate(others)))
    return [{"value": name, "examples": len(own)} | error_shares(own, answers.classes) for name, own in slices]


def list_mistakes(answers: Answers, names: list[str], ids: list[str], most: int = MOST) -> list[dict[str, Any]]:
    """The at most `most` examples whose wrong answers have the highest probability, most probable first; equals in the split's order.

    `names` are those of the classes, and `ids` those of the examples. Each entry is
    `{"id", "class", "predicted", "probability", "probability_of_class"}`.
    """
    wrong = np.flatnonzero(answers.ranks > 1)
    worst = wrong[np.argsort(-answers.probabilities[wrong], kind="stable")[:most]]
    return [
        {
            "id": ids[place],
            "class": names[answers.labels[place]],
            "predicted": names[answers.predicted[place]],
            "probability": float(answers.probabilities[place]),
            "probability_of_class": float(answers.of_class[place]),
        }
        for place in worst
    ]


def tell_mistakes(answers: Answers, names: list[str], ids: list[str], values: Sequence[str] | None = None) -> dict[str, Any]:
    """Lists that tell where a model errs: `classes` (`by_class`), `confused`, the most frequent pairs, and `mistakes` (`list_mistakes`).

    With `values`, also `slices` (`by_slice`). `confused` and `mistakes` have at most 100 entries, and `slices` one more, for all others;
    those of `confused` are `{"class", "predicted", "examples"}`.
    """
    confusion = Confusion.of(answers.labels, answers.predicted, answers.classes)
    return {
        "classes": by_class(answers, names),
        "confused": [
            {"class": names[true], "predicted": names[other], "examples": count} for true, other, count in confused_pairs(confusion, MOST)
        ],
        "mistakes": list_mistakes(answers, names, ids),
    } | ({} if values is None else {"slices": by_slice(answers, values, MOST)})


def all_gpus() -> tf.distribute.Strategy:
    """MirroredStrategy over the GPUs if there are several, else the strategy of the scope that this is called in."""
    return tf.distribute.MirroredStrategy() if len(tf.config.list_logical_devices("GPU")) > 1 else tf.distribute.get_strategy()


def evaluate_models(models: list[Probabilities], split: str, *, ten_crop: bool) -> list[tuple[Answers, dict[str, Any]]]:
    """Asks each model, and last their ensemble, as `answer_split` does, and computes all `MEASURES` of the answers.

    Returns:
        For each, the answers to central crops, and the numbers by name: those of central crops, again for ten crops under the name
        `NAME_ten_crop` (None if `ten_crop` is false), and `examples`, their number.
    """
    central = answer_split(models, split)
    numbers = [_measure(answers) for answers in central]
    crops = (
        [_measure(each) for each in answer_split(models, split, ten_crop=True)] if ten_crop else [dict.fromkeys(each) for each in numbers]
    )
    return [
        (answers, own | {"examples": len(answers.labels)} | {f"{name}_ten_crop": number for name, number in others.items()})
        for answers, own, others in zip(central, numbers, crops, strict=True)
    ]


def _measure(answers: Answers) -> dict[str, Any]:
    return {name: number for measure in MEASURES for name, number in measure(answers).items()}
