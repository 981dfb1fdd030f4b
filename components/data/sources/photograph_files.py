"""Photographs that are files: what a worker is handed of one, and how it reads it."""

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from zfnet.components.data.sources.shard_plan import PhotographFile
from zfnet.components.data.sources.source import SourcePhotograph
from zfnet.components.inputs.photograph import MAX_ENCODED_BYTES, UnreadablePhotograph, check_encoded_size
from zfnet.components.storage.files import is_remote, open_file


def as_text(path: bytes) -> str:
    """A path as text, with bytes that are no UTF-8 spelt out."""
    return path.decode(errors="backslashreplace")


def read_files(files: Iterable[PhotographFile]) -> Iterator[SourcePhotograph]:
    """Yields photographs, unread.

    Args:
        files: id, label and path of each.

    Yields:
        The photographs, in the same order. Their `read` raises `UnreadablePhotograph` where there is no file or it can't be read.
    """
    for id, label, path in files:
        yield SourcePhotograph(id, label, as_text(path), functools.partial(_read, path))


def _read(path: bytes) -> bytes:
    name = os.fsdecode(path)
    return _read_remote(name) if is_remote(name) else _read_local(Path(name))


def _read_local(file: Path) -> bytes:
    if not file.is_file():  # before opening it: a named pipe would be waited for without end
        gone = not file.exists()
        raise UnreadablePhotograph("a link that leads nowhere" if file.is_symlink() and gone else "no such file" if gone else "not a file")
    try:
        check_encoded_size(file.stat().st_size)
        return file.read_bytes()
    except OSError as error:
        raise UnreadablePhotograph(f"cannot be read: {error.strerror}") from error


def _read_remote(name: str) -> bytes:
    """Reads from a storage that may fail for a while: then the error ends this attempt, and the runner tries again."""
    from apache_beam.io.filesystems import FileSystems

    try:
        with open_file(name) as file:
            encoded = file.read(MAX_ENCODED_BYTES + 1)  # decoding refuses what is larger
    except Exception as error:  # what a missing file raises differs from storage to storage
        if FileSystems.exists(name):
            raise
        raise UnreadablePhotograph("no such file") from error
    return encoded
