"""The rule by which a model is good enough to be served."""

from collections.abc import Sequence
from typing import Any

from zfnet.components.evaluation.threshold import Threshold

GUESSES = 5


def bless(
    evaluation: dict[str, Any], class_counts: list[int], baseline: dict[str, Any] | None, thresholds: Sequence[Threshold] = ()
) -> tuple[bool, str]:
    """Decides whether a model is good enough to be served.

    It must be better than always predicting the most frequent classes, no worse than the model pushed last, and meet all thresholds. The
    top-5 error decides; if the validation examples are of five classes or fewer, where five guesses may never miss, the top-1 error does.
    If they are all of one class, no model is blessed, since even a constant answer is right.

    Args:
        evaluation: `top1_error` and `top5_error` of the model, fractions 0..1, and the numbers and `classes` that thresholds name.
        class_counts: number of validation examples of each class.
        baseline: the errors of the model pushed last on the same examples, see `measure_baseline`; None if there is no such model.
        thresholds: conditions of the user.

    Returns:
        Whether it is blessed, and the reason in a sentence.

    Raises:
        ValueError: a threshold is for a class that there is not.

    Examples:
        >>> bless({"top1_error": 0.25, "top5_error": 0.0}, [5, 15], None)
        (False, 'top-1 error 0.2500 is not below 0.2500, the error of always predicting the most frequent class')
    """
    counts = sorted(count for count in class_counts if count)
    if len(counts) < 2:
        return False, "the validation examples are of fewer than two classes: expected two, else even a constant answer makes no error"
    guesses = GUESSES if len(counts) > GUESSES else 1
    name = f"top{guesses}_error"
    error, label = evaluation[name], f"top-{guesses} error"
    chance = sum(counts[:-guesses]) / sum(counts)
    constant = f"the error of always predicting {'the most frequent class' if guesses == 1 else f'the {guesses} most frequent classes'}"
    last, described = (baseline[name], _described(baseline)) if baseline else (None, "")
    # Comparisons with NaN are false.
    worse = last is not None and not error <= last
    compared = described if last is None else f"not above {last:.4f}, {described}"
    unmet = [] if error < chance else [f"{label} {error:.4f} is not below {chance:.4f}, {constant}"]
    unmet += [f"{label} {error:.4f} is above {last:.4f}, {described}"] if worse else []
    unmet += [reason for threshold in thresholds if (reason := threshold.check(evaluation))]
    if unmet:
        if baseline and not worse:
            unmet.append(compared if last is None else f"the {label} is {compared}")
        return False, "; ".join(unmet)
    met = [f"{label} {error:.4f} is below {chance:.4f}, {constant}"]
    if baseline:
        met.append(compared if last is None else f"and {compared}")
    if thresholds:
        met.append(f"and meets {', '.join(map(str, thresholds))}")
    return True, ", ".join(met)


def _described(baseline: dict[str, Any]) -> str:
    """Says which error the baseline is, or why there is none."""
    version = f"version {baseline['version']}"
    if baseline.get("not_compared"):
        return f"not compared with the last pushed model, {version} ({baseline['not_compared'].rstrip('.')})"
    if not baseline.get("evaluated_anew"):
        return "the error of the last pushed model for the same data"
    text = f"the error of the last pushed model, {version}, evaluated anew on these examples"
    trained_on, size = baseline["trained_on"], baseline["scaled_to"]
    notes = ["it is not known how many of these examples that model was trained on"] if trained_on is None else []
    if trained_on:
        notes.append(f"that model was trained on {trained_on} of these examples")
    if size:
        notes.append(f"the examples were scaled to the {size} pixels that the model takes")
    return text + (f" ({'; '.join(notes)})" if notes else "")
