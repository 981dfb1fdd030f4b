"""Progress bars on terminals."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
# Seconds before a bar appears, so that short work leaves the terminal quiet.
DELAY = 2.0


def progress(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yields items, `total` in number, with a bar of their count, rate and remaining time on the standard error.

    The bar is shown on terminals alone, after two seconds, under a title; it is removed at the end.

    Examples:
        >>> list(progress("abc", 3, "Spelling"))
        ['a', 'b', 'c']
    """
    yield from tqdm(items, desc=title, total=total, disable=None, leave=False, delay=DELAY, dynamic_ncols=True)
