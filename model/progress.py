"""How long work tells how far it has come, without knowing who listens."""

from collections.abc import Callable, Iterable

# Passes on what it is given, and may show how far it has come: the items, their number, and what is done with them.
Progress = Callable[[Iterable, int, str], Iterable]


def no_progress(items: Iterable, length: int, title: str) -> Iterable:
    """Shows nothing."""
    return items
