"""Files that are whole whenever they are there."""

import contextlib
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def written_beside(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a path beside `path` to write to, which becomes `path` when the `with` statement ends well."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
