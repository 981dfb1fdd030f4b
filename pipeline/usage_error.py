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
        if isinstance(error, click.NoSuchOption) and error.ctx:
            message += _handed_on(error.ctx.command)
        raise WrongUsage(f"{message}\n`{command} --help` tells what it takes.") from error


def _handed_on(command: click.Command) -> str:
    """Where the options stand that a command does not know and hands on."""
    shown = [metavar.strip("[-] ") for parameter in command.params if (metavar := parameter.metavar or "").startswith("[-- ")]
    return f" {shown[0]} stand behind a --." if shown else ""
