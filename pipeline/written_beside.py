"""Files that are whole whenever they are there."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import TypeVar

from etils import epath

from zfnet.components.data.storage import is_remote

P = TypeVar("P", pathlib.Path, epath.Path)


@contextlib.contextmanager
def written_beside(path: P) -> Iterator[P]:
    """Gives a path beside `path` to write to, which becomes `path` when the `with` statement ends well.

    A remote storage shows a file when all of it has arrived: there `path` itself is given, to be written once.
    """
    if is_remote(str(path)):
        yield path
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
