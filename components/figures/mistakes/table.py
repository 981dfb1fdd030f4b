"""Table of the classes, worst first, and sentence about calibration, for the report and TensorBoard."""

from collections.abc import Mapping, Sequence
from typing import Any

from zfnet.components.data.sources.source import class_name
from zfnet.components.pictures.markdown import escape_markdown, markdown_table

MOST = 100  # Rows of the table in TensorBoard.
GUESSES = 5
SURE = 0.01  # Difference between confidence and accuracy that is not worth a word.


def worst_first(classes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sorts `classes` of `evaluation.json` by top-1 error, the highest first; classes without examples are left out.

    Examples:
        >>> found = [{"class": "cat", "examples": 9, "top1_error": 0.1}, {"class": "dog", "examples": 9, "top1_error": 0.4}]
        >>> [each["class"] for each in worst_first(found)]
        ['dog', 'cat']
    """
    return sorted((each for each in classes if each["examples"]), key=lambda each: -each["top1_error"])


def wrong_answers(entry: Mapping[str, Any]) -> str:
    """The most frequent wrong answers to a class, with their numbers, as a line of text.

    Examples:
        >>> wrong_answers({"mistaken_for": [{"class": "dog", "examples": 3}, {"class": "cup", "examples": 1}]})
        'dog (3), cup (1)'
    """
    return ", ".join(f"{each['class']} ({each['examples']:,})" for each in entry["mistaken_for"])


def calibration_sentence(evaluation: Mapping[str, Any]) -> str | None:
    """Says how far the probabilities of a net can be trusted, from the content of `evaluation.json`; None if it has no calibration.

    Examples:
        >>> bins = [{"examples": 50, "confidence": 0.9, "accuracy": 0.8}]
        >>> calibration_sentence({"expected_calibration_error": 0.1, "calibration": bins}).partition(". ")[2]
        'The net is too sure: its best guess has a probability of 90.0 % on average, and 80.0 % of its best guesses are right.'
    """
    bins = evaluation.get("calibration")
    if not bins:
        return None
    total = sum(each["examples"] for each in bins)
    confidence, right = (sum(each["examples"] * each[key] for each in bins) / total for key in ("confidence", "accuracy"))
    judged = "too sure" if confidence > right + SURE else "not sure enough" if confidence < right - SURE else "as sure as it should be"
    return (
        f"The expected calibration error is {100 * evaluation['expected_calibration_error']:.1f} %: the mean distance between the "
        f"probability of the best guess and the share of such guesses that is right. The net is {judged}: its best guess has a probability "
        f"of {100 * confidence:.1f} % on average, and {100 * right:.1f} % of its best guesses are right."
    )


def slice_name(value: str | None) -> str:
    """A name for one of the `slices` of `evaluation.json`, as a line of text; `value` is the text that its examples share.

    Examples:
        >>> [slice_name(value) for value in ("phone", "", None)]
        ['phone', '(empty)', '(all others)']
    """
    return "(all others)" if value is None else class_name(value) or "(empty)"


def errors_markdown(evaluation: Mapping[str, Any]) -> str | None:
    """The tables of classes and of slices, and the sentence about calibration, as Markdown; None for an `evaluation.json` without classes.

    Examples:
        >>> entry = {"class": "a|b", "examples": 8, "top1_error": 0.25, "top5_error": 0.0, "mistaken_for": [{"class": "c", "examples": 2}]}
        >>> print(errors_markdown({"classes": [entry, entry]}))
        | class | examples | top-1 error | most frequent wrong answers |
        | --- | --- | --- | --- |
        | a\\|b | 8 | 25.0 % | c \\(2\\) |
        | a\\|b | 8 | 25.0 % | c \\(2\\) |
    """
    if not (classes := evaluation.get("classes")):
        return None
    ranks = (1, 5) if len(classes) > GUESSES else (1,)
    headings = ["examples", *(f"top-{rank} error" for rank in ranks)]

    def numbers(each: Mapping[str, Any]) -> list[str]:
        return [f"{each['examples']:,}", *(f"{100 * each[f'top{rank}_error']:.1f} %" for rank in ranks)]

    worst = worst_first(classes)
    rows = [[escape_markdown(each["class"]), *numbers(each), escape_markdown(wrong_answers(each))] for each in worst[:MOST]]
    lines = markdown_table(["class", *headings, "most frequent wrong answers"], rows)
    if len(worst) > MOST:
        lines += ["", f"The {MOST} classes with the highest error, of {len(worst):,}."]
    if slices := evaluation.get("slices"):
        rows = [[escape_markdown(slice_name(each["value"])), *numbers(each)] for each in slices]
        lines += ["", *markdown_table([escape_markdown(evaluation["slice_by"]), *headings], rows)]
    if sentence := calibration_sentence(evaluation):
        lines += ["", sentence]
    return "\n".join(lines)
