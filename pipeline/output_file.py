"""The directory of a file that a command writes, made before the work begins, so that a wrong one is told at once."""

import os
import pathlib


def make_its_directory(out: pathlib.Path) -> None:
    """Makes the directory that `out` is to lie in, if it is missing.

    Args:
        out: the file that is to be written.

    Raises:
        OSError: it can't be made, or not be written to.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"The directory {out.parent} can't be made ({error.strerror}). Give another with --out.") from error
    if not os.access(out.parent, os.W_OK):
        raise OSError(f"The directory {out.parent} can't be written (Permission denied). Give another with --out.")
