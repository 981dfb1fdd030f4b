"""The class of all commands: `--verbose`, one-line errors, and the command line as it is recorded."""

import contextlib
import re
import shlex
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import click

from zfnet.pipeline.libraries import configure_libraries, quiet_libraries
from zfnet.pipeline.messages import error_message

# What click calls its types, where something else was given.
PLAIN = {"a valid integer range": "a whole number", "a valid integer": "a whole number", "a valid float range": "a number"}


class Command(click.Command):
    """A command that keeps libraries quiet, and that ends with one line and exit code 1 whatever goes wrong.

    `--verbose` brings back what libraries print, and adds the traceback of an error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(click.Option(["--verbose"], is_flag=True, help="Show what libraries print, and where an error arose."))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Reads the arguments."""
        configure_libraries()  # Paths among the arguments are looked at, and by what, is decided once and for all then.
        return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        verbose = ctx.params.pop("verbose")
        try:
            with contextlib.nullcontext() if verbose else quiet_libraries():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            message = error_message(error)
            if verbose:
                traceback.print_exc()
            elif not isinstance(error, ValueError | OSError | KeyboardInterrupt):
                message += " (--verbose shows where this arose.)"
            raise click.ClickException(message) from error


def command_line() -> str:
    """The command line of this process, as it is recorded: without the passwords that URLs hold."""
    return re.sub(r"(\w://[^\s:/@]*:)[^\s@]*@", r"\1***@", shlex.join(["zfnet", *sys.argv[1:]]))


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
    """Hint for commands that pass further options on, behind `--`."""
    shown = [metavar.strip("[-] ") for parameter in command.params if (metavar := parameter.metavar or "").startswith("[-- ")]
    return f" {shown[0]} stand behind a --." if shown else ""
