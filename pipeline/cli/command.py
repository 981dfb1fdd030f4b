"""The class of all commands: `--verbose`, quiet libraries and one-line errors; and the command line as it is recorded."""

import contextlib
import logging
import os
import pathlib
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import click

from zfnet.pipeline.messages import error_message


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


def configure_libraries() -> None:
    """Sets environment variables that the user has not set. Call it before TensorFlow or the back ends of etils.epath are imported."""
    # TensorFlow uses these kernels by default only on some processors of Intel; on those of AMD a training step is much faster with them.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Access Cloud Storage by gcsfs rather than TensorFlow, which takes seconds to import and supports no emulator.
    os.environ.setdefault("EPATH_USE_TF", "false")
    # Workers write by other clients, so a cached listing may be out of date.
    os.environ.setdefault("FSSPEC_GCS", '{"use_listings_cache": false}')


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Suppresses logs and warnings of libraries in the `with` statement; enter it before TensorFlow is imported.

    Exceptions, and what Python writes to `sys.stderr` (progress bars, messages), still appear.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    disabled = logging.root.manager.disable
    # All loggers at once, since absl, Beam and TFDS set their own levels when they are imported.
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), _quiet_native_code():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextlib.contextmanager
def _quiet_native_code() -> Iterator[None]:
    """Suppresses what compiled code writes to the standard error, such as TensorFlow's "Could not find cuda ...", at any log level."""
    stderr = sys.stderr
    if stderr is not sys.__stderr__ or stderr is None:  # It was replaced, as by pytest.
        yield
        return
    stderr.flush()
    terminal = os.dup(2)
    with pathlib.Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    with os.fdopen(terminal, "w", buffering=1, encoding=stderr.encoding, errors=stderr.errors) as stream:
        sys.stderr = stream
        try:
            yield
        finally:
            sys.stderr = sys.__stderr__
            os.dup2(terminal, 2)
