"""The classes that units answer to, in words and as JSON."""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.class_answers import ClassAnswers

# Classes of a unit in the numbers, and the AUC from which on a class is in the heading.
CLASSES, HEADED = 3, 0.8
NOTE = (
    "Behind the number of a map are the classes whose images activate it most, with the area under the ROC curve (AUC): 0.5 is chance, 1 "
    f"is perfect. Classes below {HEADED} are not named."
)


def answer_words(answers: ClassAnswers | None, unit: int, labels: Sequence[str], most: int = CLASSES) -> str:
    """The classes that a unit answers to, with the AUC, for its heading; empty if none has an AUC of 0.8.

    Examples:
        >>> auc, none = np.array([[0.31, 0.984, 0.85]]), np.zeros(0)
        >>> answer_words(ClassAnswers(auc, 0.0, none, none, none, none), 0, ["cups", "coins", "keys"])
        ': coins 0.98, keys 0.85'
    """
    best = [number for number in answers.best(unit, most) if answers.auc[unit, number] >= HEADED] if answers else []
    words = [f"{labels[number]} {answers.auc[unit, number]:.2f}" for number in best] if answers else []
    return f": {', '.join(words)}" if words else ""


def answer_numbers(answers: ClassAnswers, strongest: Strongest, labels: Sequence[str]) -> dict[str, Any]:
    """The classes that the units of a layer answer to, as JSON holds them.

    Returns:
        `auc_error` as in `ClassAnswers`, and `answers`: for each unit that is ever positive the three classes with the highest AUC, with
        `auc` and `share` of `ClassAnswers`, and the number of strongest images that are `counted`.
    """
    units = {
        str(unit): [
            {
                "class": labels[number],
                "auc": round(float(answers.auc[unit, number]), 4),
                "share": round(float(answers.share[unit, number]), 4),
                "counted": int(answers.counted[number]),
            }
            for number in answers.best(unit, CLASSES)
        ]
        for unit in np.flatnonzero(strongest.values[:, 0] > 0).tolist()
    }
    return {"auc_error": answers.auc_error, "answers": units}


def raised_words(matters: Sequence[Mapping[str, Any]]) -> str:
    """The class whose logit a unit raises most often, among the examples in which it matters most; empty without examples.

    Examples:
        >>> raised_words([{"predicted": "coins"}, {"predicted": "keys"}, {"predicted": "coins"}])
        ': raises coins in 2 of 3'
    """
    counts = collections.Counter(each["predicted"] for each in matters)
    return f": raises {counts.most_common(1)[0][0]} in {counts.most_common(1)[0][1]} of {len(matters)}" if counts else ""
