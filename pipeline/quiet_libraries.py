"""Silence from the libraries, so that what a command says can be read."""

import contextlib
import logging
import os
import pathlib
import sys
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drops what libraries log and warn of in the `with` statement; to be entered before TensorFlow is imported.

    Their errors reach a user as exceptions all the same, and what Python writes to `sys.stderr` (progress bars, messages) still appears.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    disabled = logging.root.manager.disable
    # Over all loggers at once: absl, Beam and TFDS set the levels of their own when they are imported.
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), _quiet_native_code():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextlib.contextmanager
def _quiet_native_code() -> Iterator[None]:
    """Drops what compiled code writes to the standard error, which TensorFlow does whatever its log level ("Could not find cuda ...")."""
    stderr = sys.stderr
    if stderr is not sys.__stderr__ or stderr is None:  # Somebody else has taken it over.
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
