"""Work on the next items by threads, while the results of earlier ones are used."""

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any


def map_ahead(pool: Executor, function: Callable[[Any], Any], items: Iterable[Any], most: int) -> Iterator[Any]:
    """Yields `function(item)` for each item in order, while the pool works on later items.

    `Executor.map` does the same, but begins all items at once, before Python 3.14, so that their results would fill the memory.

    Args:
        pool: the threads or processes that call the function.
        function: the work on one item; its exceptions are raised where its result would be yielded.
        items: the items; one is taken when there is room for it.
        most: largest number of items that are begun, and whose results are not yet used.

    Examples:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor(2) as pool:
        ...     list(map_ahead(pool, str.upper, ["a", "b", "c"], most=2))
        ['A', 'B', 'C']
    """
    begun: collections.deque[Future] = collections.deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) > most:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for waiting in begun:
            waiting.cancel()
