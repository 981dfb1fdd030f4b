"""The class of all commands: `--verbose` and one-line errors; and the command line as it is recorded."""

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

# Plain words for click's names of types.
PLAIN = {"a valid integer range": "a whole number", "a valid integer": "a whole number", "a valid float range": "a number"}


class Command(click.Command):
    """A command that suppresses the messages of libraries and ends every error with one line and exit code 1; `--verbose` shows all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(click.Option(["--verbose"], is_flag=True, help="Show messages of libraries, and the traceback of an error."))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parses the arguments."""
        configure_libraries()  # before paths among the arguments are looked up, which settles the back end
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
                message += " (--verbose shows the traceback.)"
            raise click.ClickException(message) from error


def command_line() -> str:
    """The command line of this process, without the passwords in URLs."""
    return re.sub(r"(\w://[^\s:/@]*:)[^\s@]*@", r"\1***@", shlex.join(["zfnet", *sys.argv[1:]]))


class WrongUsage(click.ClickException):
    """Wrong usage, shown without click's synopsis."""

    exit_code = 2


@contextlib.contextmanager
def short_usage_errors() -> Iterator[None]:
    """Shortens click's usage errors in the `with` statement to two lines: the error, and the command that shows the help."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:  # its message is the help
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "zfnet"
        message = error.format_message()
        for named, plain in PLAIN.items():
            message = message.replace(named, plain)
        if isinstance(error, click.NoSuchOption) and error.ctx:
            message += _passed_on(error.ctx.command)
        raise WrongUsage(f"{message}\nSee `{command} --help`.") from error


def _passed_on(command: click.Command) -> str:
    """Hint for commands that pass further options to another program."""
    shown = [metavar.strip("[-] ") for parameter in command.params if (metavar := parameter.metavar or "").startswith("[-- ")]
    return f" {shown[0]} follow `--`." if shown else ""
