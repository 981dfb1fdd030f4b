"""Match a model's outputs to the classes of the data, by name."""

from collections.abc import Sequence

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import read_origins

SHOWN = 3


def class_order(model: str, known: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Finds, for each class of the data, the place that it has among the classes of a model.

    Args:
        model: what to call the model in messages.
        known: names of the model's classes, in the order of its outputs.
        wanted: names of the data's classes, in the order of its labels.

    Returns:
        For each name in `wanted`, its place in `known`.

    Raises:
        ValueError: a class is missing in one of the two, or a name stands for several classes and the order is not the same.

    Examples:
        >>> class_order("birds.keras", ["tit", "crow"], ["crow", "tit"])
        [1, 0]
    """
    if list(known) == list(wanted):
        return list(range(len(wanted)))
    _refuse_missing(f"{model} does not know", wanted, known)
    _refuse_missing(f"the data, unlike {model}, does not have", known, wanted)
    places = {name: place for place, name in enumerate(known)}
    if len(places) < len(known) or len(set(wanted)) < len(wanted):
        twice = next(name for names in (known, wanted) for name in names if list(names).count(name) > 1)
        raise ValueError(f"{model}: {twice!r} is the name of several classes, so that their order can't be told: give each its own name.")
    return [places[name] for name in wanted]


def _refuse_missing(who: str, names: Sequence[str], among: Sequence[str]) -> None:
    missing = sorted(set(names) - set(among), key=list(names).index)
    if missing:
        named = ", ".join(map(repr, missing[:SHOWN])) + (", ..." if len(missing) > SHOWN else "")
        raise ValueError(
            f"There {'is a class' if len(missing) == 1 else f'are {len(missing)} classes'} that {who}: {named}. "
            "Expected the same classes, in any order."
        )


def check_same_examples(examples: Sequence[Examples], split: str) -> None:
    """Fails if examples are not the same in the same order, with the same classes.

    The same photographs, prepared in another size, are: a digest of its id gives a photograph its place. Nothing is decoded.

    Args:
        examples: prepared examples; if they are all in one directory, nothing is read.
        split: which split is compared.

    Raises:
        ValueError: they differ; the message names an example or a class that not all have.
    """
    first, *others = {str(each.path): each for each in examples}.values()
    if not others:
        return
    labels, ids = first.labels, read_origins(first, split)[2]
    for other in others:
        _compare("classes", first, other, labels, other.labels)
        _compare(f"{split} examples", first, other, ids, read_origins(other, split)[2])


def _compare(what: str, first: Examples, other: Examples, expected: list[str], found: list[str]) -> None:
    if expected == found:
        return
    alone = min(set(expected) ^ set(found), default=None)
    reason = f"{alone!r} is in one of them alone" if alone is not None else "their order is not the same"
    raise ValueError(
        f"{first.path} and {other.path} do not hold the same {what} ({reason}): several models are compared or averaged on the same "
        "photographs, which --data can name."
    )
