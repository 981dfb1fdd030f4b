"""What is told of an error: one line."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT)
DATABASE_FULL = "database or disk is full"  # SQLite's


def error_message(error: BaseException) -> str:
    """The message of `error` in one line.

    What a user can mend arrives as ValueError or OSError whose message says how, and stands alone; anything else is named by its type.
    """
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted. The same command goes on with what is not complete yet."
    if isinstance(error, OSError) and error.errno in FULL:
        where = f" ({error.filename})" if error.filename else ""
        return f"The disk is full{where}. Make room on it; the same command goes on with what is not complete yet."
    if DATABASE_FULL in str(error):
        return "The disk is full. Make room on it; the same command goes on with what is not complete yet."
    message = " ".join(str(error).split())
    if (reported := getattr(error, "orig", None)) is not None:  # by a database's driver; SQLAlchemy adds the statement and a link
        return f"The database that runs are recorded in failed: {' '.join(str(reported).split())}"
    if isinstance(error, ValueError | OSError) and message:
        return message
    return f"{type(error).__name__}: {message}".removesuffix(": ")
