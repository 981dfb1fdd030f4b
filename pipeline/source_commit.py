"""Which commit of git the source is at, where it is a checkout."""

import functools
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parent.parent


@functools.cache
def source_commit(directory: pathlib.Path = SOURCE) -> str | None:
    """The commit that is checked out in `directory`, with `-dirty` behind it if files that git knows were changed since.

    Args:
        directory: the directory of the source. A checkout of something else around it, in which the project is merely installed, does not
            count.

    Returns:
        40 hexadecimal digits, or None if it is no checkout, or git is not there.
    """
    top = _git(directory, "rev-parse", "--show-toplevel")
    if top is None or pathlib.Path(top) != directory:
        return None
    return _git(directory, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(directory: pathlib.Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", directory, *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
