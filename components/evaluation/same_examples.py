"""Whether examples that were prepared in different sizes are the same photographs."""

from collections.abc import Sequence

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import read_origins


def refuse_different_examples(examples: Sequence[Examples], split: str) -> None:
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
