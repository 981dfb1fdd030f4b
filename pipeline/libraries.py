"""Versions of the libraries, their settings, and suppression of their messages."""

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
    """Versions, by name, of Python, this project and the libraries that its results depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}


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
