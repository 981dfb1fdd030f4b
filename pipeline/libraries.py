"""Versions of the libraries, their settings, and silence of their logs."""

import contextlib
import importlib.metadata
import logging
import os
import pathlib
import platform
import sys
import warnings
from collections.abc import Iterator

LIBRARIES = ("zfnet", "tensorflow", "keras", "apache-beam", "tensorflow-datasets")


def library_versions() -> dict[str, str]:
    """Versions by name: of Python, of this project and of the libraries that its results depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}


def configure_libraries() -> None:
    """Sets the variables that the user has not set. To be called before TensorFlow or etils.epath's back ends are imported."""
    # TensorFlow uses these kernels by itself on some of Intel's processors only; on AMD's a training step is much faster with them.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Paths in Cloud Storage by gcsfs rather than by TensorFlow, which takes seconds to import and knows no stand-in for the cloud.
    os.environ.setdefault("EPATH_USE_TF", "false")
    # Workers write by other clients, so what was listed a minute ago may no longer be so.
    os.environ.setdefault("FSSPEC_GCS", '{"use_listings_cache": false}')


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
