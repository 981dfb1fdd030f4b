"""The command `zfnet`: the group of all commands, and the messages of wrong usage."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import click

COMMANDS = (
    "run",
    "runs",
    "examples",
    "evaluate",
    "predict",
    "project",
    "methods",
    "gallery",
    "explore",
    "evolution",
    "match",
    "features",
    "filters",
    "occlude",
    "invariance",
    "correspondence",
    "compare",
    "report",
    "tensorboard",
    "compile",
)
# Plain words for click's names of types.
PLAIN = {"a valid integer range": "a whole number", "a valid integer": "a whole number", "a valid float range": "a number"}


class Commands(click.Group):
    """The group of all commands. Each is `command` in the module `zfnet.pipeline.commands.NAME`, imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command `name`, or None if there is none."""
        return importlib.import_module(f"zfnet.pipeline.commands.{name}").command if name in COMMANDS else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with; click itself suggests others only of those that are imported."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from error

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parses the arguments before the command's name."""
        with short_usage_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parses the command's arguments and runs it."""
        with short_usage_errors():
            return super().invoke(ctx)


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


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="zfnet")
def main() -> None:
    """Train a convolutional network and see what it sees.

    `zfnet run` runs the whole pipeline on built-in photographs. `zfnet COMMAND --help` describes a command.

    Exit codes: 0 success, 1 failure, 2 wrong usage, 3 model not good enough to be served.
    """
