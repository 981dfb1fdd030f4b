"""What all commands of `zfnet` have in common: `--verbose`, and how they fail."""

import contextlib
import traceback
from typing import Any

import click

from zfnet.pipeline.configure_libraries import configure_libraries
from zfnet.pipeline.error_message import error_message
from zfnet.pipeline.quiet_libraries import quiet_libraries


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
