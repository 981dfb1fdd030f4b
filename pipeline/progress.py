"""Progress bars, on terminals alone."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click


def progress(items: Iterable[Any], length: int, title: str) -> Iterator[Any]:
    """Yields `items` and shows on the standard error how many of them are done; nothing where that is no terminal.

    Args:
        items: what is worked on.
        length: their number.
        title: what is done with them.
    """
    with click.progressbar(items, length=length, label=title, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield from bar
