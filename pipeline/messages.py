"""Texts for the terminal: one-line errors, durations, times, tables and the name of the program."""

import errno
import pathlib
import shutil
import sys
from collections.abc import Sequence

FULL = (errno.ENOSPC, errno.EDQUOT)
DATABASE_FULL = "database or disk is full"  # SQLite's
UNLIMITED = 100_000  # columns: rich wraps what is wider than its console


def error_message(error: BaseException) -> str:
    """One-line message of an exception.

    Errors that a user can correct are ValueErrors and OSErrors whose message says how; all others are shown with their type.
    """
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted. Run the same command again to continue."
    if (isinstance(error, OSError) and error.errno in FULL) or DATABASE_FULL in str(error):
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        return f"The disk is full{where}. Free some space, then run the same command again to continue."
    message = " ".join(str(error).split())
    if (reported := getattr(error, "orig", None)) is not None:  # by a database's driver; SQLAlchemy adds the statement and a link
        return f"The metadata database failed: {' '.join(str(reported).split())}"
    if isinstance(error, ValueError | OSError) and message:
        return message
    return f"{type(error).__name__}: {message}".removesuffix(": ")


def when(started: str) -> str:
    """A recorded time, `2026-01-02T03:04:05+00:00`, as `2026-01-02 03:04:05 UTC`."""
    return started.replace("T", " ").replace("+00:00", " UTC")


def duration(seconds: float) -> str:
    """Formats a length of time: "83.1 s", "12 min 05 s", "5 h 03 min"."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def aligned_table(cells: Sequence[Sequence[str]], text_columns: int = 1, indent: int = 0) -> list[str]:
    """The lines of a table without borders: text to the left, numbers to the right, nothing wrapped or cut.

    The first row of `cells` holds the headings. The first `text_columns` columns hold text. Each line begins with `indent` spaces.

    Examples:
        >>> aligned_table([["error", "top-1"], ["zfnet-small", "21.3%"]])
        ['error        top-1', 'zfnet-small  21.3%']
    """
    from rich.console import Console
    from rich.table import Table

    headings, *rows = cells
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, heading in enumerate(headings):
        table.add_column(heading, justify="left" if column < text_columns else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(width=UNLIMITED, color_system=None, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return [(" " * indent + line).rstrip() for line in captured.get().splitlines()]


def program_name() -> str:
    """`zfnet` if the shell finds this program under that name, else the path that it was started by."""
    found, program = shutil.which("zfnet"), pathlib.Path(sys.argv[0])
    return str(program) if program.name == "zfnet" and (found is None or not program.samefile(found)) else "zfnet"
