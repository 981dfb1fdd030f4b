"""The rule by which a model is good enough to be served."""

GUESSES = 5


def bless(errors: dict, class_counts: list[int], baseline: dict | None) -> tuple[bool, str]:
    """Decides whether a model is good enough to be served.

    It must be better than always predicting the most frequent classes, and no worse than the model pushed last for the same data. The
    top-5 error decides; if the validation examples are of five classes or fewer, where five guesses may never miss, the top-1 error does.
    If they are all of one class, no model is blessed, since even a constant answer is right.

    Args:
        errors: `top1_error` and `top5_error` of the model, fractions 0..1.
        class_counts: number of validation examples of each class.
        baseline: the same errors of the model pushed last; None if there is none.

    Returns:
        Whether it is blessed, and the reason in a sentence.

    Examples:
        >>> bless({"top1_error": 0.25, "top5_error": 0.0}, [5, 15], None)
        (False, 'top-1 error 0.2500 is not below 0.2500, the error of always predicting the most frequent class')
    """
    counts = sorted(count for count in class_counts if count)
    if len(counts) < 2:
        return False, "the validation examples are of fewer than two classes: expected two, else even a constant answer makes no error"
    guesses = GUESSES if len(counts) > GUESSES else 1
    name = f"top{guesses}_error"
    error, label = errors[name], f"top-{guesses} error"
    chance = sum(counts[:-guesses]) / sum(counts)
    classes = "the most frequent class" if guesses == 1 else f"the {guesses} most frequent classes"
    if not error < chance:
        return False, f"{label} {error:.4f} is not below {chance:.4f}, the error of always predicting {classes}"
    if baseline and error > baseline[name]:
        return False, f"{label} {error:.4f} is above {baseline[name]:.4f}, the error of the last pushed model for the same data"
    beaten = f", and not above {baseline[name]:.4f}, the error of the last pushed model" if baseline else ""
    return True, f"{label} {error:.4f} is below {chance:.4f}, the error of always predicting {classes}{beaten}"
