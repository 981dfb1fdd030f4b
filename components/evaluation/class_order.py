"""Which of a model's outputs is which of the data's classes, told by their names."""

from collections.abc import Sequence

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
