"""The command `zfnet`."""

import importlib

import click

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
    """The group of all commands, each in the module `zfnet.pipeline.commands.NAME` as `command`, imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command `name`, or None if there is none."""
        return importlib.import_module(f"zfnet.pipeline.commands.{name}").command if name in COMMANDS else None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="zfnet")
def main() -> None:
    """Train a convolutional network and see what it sees.

    `zfnet run` does everything, on photographs of its own; `zfnet COMMAND --help` tells about each command.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the model was not good enough to be served.
    """
