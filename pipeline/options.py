"""Options that several commands have in common."""

import pathlib
import shlex
import sys

import click

root_option = click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    default="zfnet_run",
    show_default=True,
    metavar="DIR",
    help="Directory for everything that a run makes.",
)

runner_option = click.option(
    "--runner",
    default="FnApiRunner",
    show_default=True,
    metavar="NAME",
    help="Beam runner for the steps that go over all photographs; FnApiRunner works in this process.",
)


def _begins_with_an_option(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    if words and not words[0].startswith("-"):
        raise click.UsageError(f"Got unexpected argument {words[0]!r}. Only options of Beam may follow, after --", ctx)
    return words


beam_options_argument = click.argument(
    "beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM OPTIONS]", callback=_begins_with_an_option
)


def command_line() -> str:
    """The command line of this process, as it is recorded."""
    return shlex.join(["zfnet", *sys.argv[1:]])
