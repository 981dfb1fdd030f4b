"""Progress bars, on terminals alone."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
# Seconds before a bar appears, so that short work leaves the terminal quiet.
DELAY = 2.0


def progress(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yields items, and shows on the standard error how many of them are done, how fast, and how long the others will take.

    Nothing is shown where the standard error is no terminal, nor in the first two seconds. The bar is removed at the end.

    Args:
        items: what is worked on.
        total: their number.
        title: what is done with them.

    Examples:
        >>> list(progress("abc", 3, "Spelling"))
        ['a', 'b', 'c']
    """
    yield from tqdm(items, desc=title, total=total, disable=None, leave=False, delay=DELAY, dynamic_ncols=True)
