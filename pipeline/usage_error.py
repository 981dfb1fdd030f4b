"""How wrong usage is told: what is wrong, and where help is, in two lines."""

import contextlib
from collections.abc import Iterator

import click

# What click calls its types, where something else was given.
PLAIN = {"a valid integer range": "a whole number", "a valid integer": "a whole number", "a valid float range": "a number"}


class WrongUsage(click.ClickException):
    """Wrong usage, shown without the synopsis that click puts before it."""

    exit_code = 2


@contextlib.contextmanager
def short_usage_errors() -> Iterator[None]:
    """Shortens the usage errors of click that are raised in the `with` statement."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:  # shows the help
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "zfnet"
        message = error.format_message()
        for named, plain in PLAIN.items():
            message = message.replace(named, plain)
        raise WrongUsage(f"{message}\n`{command} --help` tells what it takes.") from error
