"""What models are called in pictures."""

import collections
import pathlib
from collections.abc import Sequence


def model_names(arguments: Sequence[str]) -> list[str]:
    """Names models by the last part of the MODEL argument, without `.keras`.

    Args:
        arguments: MODEL arguments.

    Returns:
        A name for each; the whole argument where several would have the same, with its place where even that is there twice.

    Examples:
        >>> model_names(["runs/alexnet", "runs/zfnet", "best.keras"])
        ['alexnet', 'zfnet', 'best']
    """
    names = [_short(argument) for argument in arguments]
    counts, whole = collections.Counter(names), collections.Counter(arguments)
    return [
        name if counts[name] == 1 else argument if whole[argument] == 1 else f"{argument} ({place})"
        for place, (name, argument) in enumerate(zip(names, arguments, strict=True), start=1)
    ]


def _short(argument: str) -> str:
    path = pathlib.PurePath(argument)
    if path.name in ("", ".."):
        path = pathlib.Path(argument).resolve()
    return path.name.removesuffix(".keras")
