"""Files in Keras' cache: a download is announced, leaves a whole file or none, and fails with one clear message."""

import contextlib
import hashlib
import os
import pathlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

ONE_AT_A_TIME = threading.Lock()


class DownloadError(ValueError):
    """A file is not in the cache and can't be downloaded; the message has its address, and the path where you can put it."""


def cache_directory() -> pathlib.Path:
    """The directory in which Keras keeps weights: `$KERAS_HOME/models`, or `~/.keras/models`."""
    return pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"


def cached_file(wanted_by: str, name: str, address: str, file_hash: str | None = None, **options: Any) -> pathlib.Path:
    """Returns a file of Keras' cache; downloads it first if it is missing or has another hash.

    Args:
        wanted_by: name of the net that needs the file, for messages.
        name: of the file in the cache.
        address: where it can be downloaded.
        file_hash: MD5 or SHA-256 that the file must have, in hexadecimal; None accepts any file.
        options: others of `keras.utils.get_file`, which downloads.

    Raises:
        DownloadError: it can't be downloaded, or can't be stored.
    """
    import keras

    path = cache_directory() / name
    wrong = _wrong_hash(path, file_hash) if path.exists() else ""
    if path.exists() and not wrong:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parents[1], os.W_OK):  # Keras would download to another place.
            raise PermissionError(f"{path.parents[1]} can't be written")
    except OSError as error:
        raise DownloadError(f"{wanted_by} has no place for {name}: {error}. Set KERAS_HOME to another directory.") from error
    print(f"{wanted_by}: {wrong}Downloading {address} to {path}", file=sys.stderr, flush=True)
    partial = path.with_name(f".{name}.{os.getpid()}.partial")
    options |= {"file_hash": file_hash, "cache_dir": str(path.parents[1]), "cache_subdir": path.parent.name, "force_download": True}
    try:
        with contextlib.redirect_stdout(sys.stderr):  # The standard output belongs to the caller.
            keras.utils.get_file(partial.name, address, **options)
        partial.replace(path)
    except Exception as error:  # Keras raises plain ones.
        reason = str(error).rpartition(" -- ")[2]  # Keras begins with the address.
        raise DownloadError(
            f"{wanted_by} needs {name}, which can't be downloaded ({reason}). {wrong}Download {address} where there is a network, and put "
            f"it at {path}."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _wrong_hash(path: pathlib.Path, file_hash: str | None) -> str:
    """Sentence that names the file if it has another hash; empty if it has this one."""
    if file_hash is None:
        return ""
    kind = "sha256" if len(file_hash) == 64 else "md5"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    return "" if found == file_hash else f"The file {path} is another one (its {kind} is {found}, expected {file_hash}). "


@contextlib.contextmanager
def announced_downloads(wanted_by: str) -> Iterator[list[pathlib.Path]]:
    """Makes `keras.applications` get its files by `cached_file` inside the `with` statement; gives the list of these files.

    Keras' own function leaves half a file after it was killed, and deletes a file of another hash when there is no network.
    """
    from keras.src.utils import file_utils

    got: list[pathlib.Path] = []

    def get_file(name: str, address: str, **options: Any) -> str:
        got.append(cached_file(wanted_by, name, address, **options))
        return str(got[-1])

    with ONE_AT_A_TIME:
        original = file_utils.get_file
        file_utils.get_file = get_file
        try:
            yield got
        finally:
            file_utils.get_file = original
