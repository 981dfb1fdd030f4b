"""The directory that a command writes, whole or not at all."""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from etils import epath

from zfnet.pipeline.options import command_line
from zfnet.pipeline.root_lock import root_lock

INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True)
class OutputDirectory:
    """Where to write.

    Args:
        path: an empty directory, for what is to be the output.
        downloads: a directory for what is fetched on the way; what a failed command left there, the next one finds.
    """

    path: epath.Path
    downloads: epath.Path


@contextlib.contextmanager
def output_directory(out: epath.Path) -> Iterator[OutputDirectory]:
    """Gives a place to write to; what is there when the `with` statement ends well is in `out` then.

    On a local disk that place is beside `out` and renamed, and no other process can have it meanwhile. A remote storage cannot rename a
    directory; there it is `out` itself, with a file INCOMPLETE in it until all is done.

    Args:
        out: the directory to be, new or empty.

    Yields:
        Where to write.

    Raises:
        FileExistsError: it holds something already.
        OSError: another process writes to it, or it can't be written.
    """
    remote = "://" in str(out)
    left = remote and (out / INCOMPLETE).exists()  # by a command that was killed
    if not left and out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty. Give another directory with --out, or empty it.")
    with _remote(out) if remote else _local(pathlib.Path(out).resolve()) as directory:  # `.` has no name to write beside.
        yield directory


@contextlib.contextmanager
def _local(target: pathlib.Path) -> Iterator[OutputDirectory]:
    beside = target.with_name(f".{target.name}.partial")
    path, downloads = beside / "output", beside / "tfds"
    with root_lock(beside, command_line(), option="--out"):
        shutil.rmtree(path, ignore_errors=True)  # Of one that was killed.
        path.mkdir()
        try:
            yield OutputDirectory(epath.Path(path), epath.Path(downloads))
            path.rename(target)
            shutil.rmtree(downloads, ignore_errors=True)
        finally:
            shutil.rmtree(path, ignore_errors=True)
            if not downloads.exists():  # What was downloaded before it failed is kept: the same command goes on with it.
                shutil.rmtree(beside)


@contextlib.contextmanager
def _remote(out: epath.Path) -> Iterator[OutputDirectory]:
    out.rmtree(missing_ok=True)
    (out / INCOMPLETE).write_text(f"Being written by: {command_line()}\n")
    yield OutputDirectory(out, out.parent / f"{out.name}-tfds")
    (out / INCOMPLETE).unlink()
