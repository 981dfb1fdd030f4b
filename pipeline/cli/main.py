"""The command `zfnet`."""

import importlib
from typing import Any

import click

from zfnet.pipeline.cli.command import short_usage_errors

COMMANDS = (
    "run",
    "runs",
    "examples",
    "evaluate",
    "project",
    "gallery",
    "evolution",
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


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="zfnet")
def main() -> None:
    """Train a convolutional network and see what it sees.

    `zfnet run` runs the whole pipeline on built-in photographs. `zfnet COMMAND --help` describes a command.

    Exit codes: 0 success, 1 failure, 2 wrong usage, 3 model not good enough to be served.
    """
