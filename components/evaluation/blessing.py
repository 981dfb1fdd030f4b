"""The rule by which a model may be served."""

GUESSES = 5


def bless(errors: dict, class_counts: list[int], baseline: dict | None) -> tuple[bool, str]:
    """Decides whether a model is good enough to be served.

    It must be better than always answering the commonest classes, and no worse than the model pushed last for the same data. The
    top-5 error decides; with five classes or fewer, where five guesses can't miss, the top-1 error does.

    Args:
        errors: `top1_error` and `top5_error` of the model, fractions 0..1.
        class_counts: number of validation examples of each class.
        baseline: the same errors of the model pushed last; `None` if there is none.

    Returns:
        Whether it is blessed, and the reason in a sentence.

    Examples:
        >>> bless({"top1_error": 0.25, "top5_error": 0.0}, [5, 15], None)
        (False, "top-1 error 0.2500 is not below 0.2500, what always answering the commonest class gives")
    """
    guesses = GUESSES if len(class_counts) > GUESSES else 1
    name = f"top{guesses}_error"
    error, label = errors[name], f"top-{guesses} error"
    rarest = sorted(class_counts)[: len(class_counts) - guesses]
    chance = sum(rarest) / sum(class_counts)
    classes = "the commonest class" if guesses == 1 else f"the {guesses} commonest classes"
    if not error < chance:
        return False, f"{label} {error:.4f} is not below {chance:.4f}, what always answering {classes} gives"
    if baseline and error > baseline[name]:
        return False, f"{label} {error:.4f} is above {baseline[name]:.4f}, that of the model pushed last for the same data"
    beaten = f" and not above {baseline[name]:.4f}, that of the model pushed last" if baseline else ""
    return True, f"{label} {error:.4f} is below {chance:.4f}, what always answering {classes} gives{beaten}"
