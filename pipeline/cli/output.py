"""Files and directories that a command writes, completely or not at all."""

import contextlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.storage.files import is_remote
from zfnet.pipeline.cli.arguments import ModelArgument, prepare_photographs
from zfnet.pipeline.cli.command import command_line
from zfnet.pipeline.orchestration.lock import root_lock

if TYPE_CHECKING:
    from zfnet.components.pictures.figure import Figure

INCOMPLETE, DOWNLOADS = "INCOMPLETE", "tfds"


@dataclass(frozen=True)
class FigureDirectory:
    """Directories in which the command of a figure works, and the names of the files that `save` wrote.

    `drawing` is an empty directory for the files that are to be in DIR. `work`, for everything else, is removed in the end. After a
    failure, `downloads` stays for the next command.
    """

    drawing: pathlib.Path
    work: pathlib.Path
    downloads: pathlib.Path
    written: list[str] = field(default_factory=list)

    def save(self, figure: "Figure") -> None:
        """Writes a figure."""
        self.written.extend(path.name for path in figure.save(self.drawing))

    def examples(self, found: ModelArgument, data: str | None, image_size: int, *splits: str) -> Examples:
        """The examples to analyse, on this machine: those of the model's run, or photographs that are prepared for this command.

        `data` is the DATA argument; if it is None, they are those of the run, or `photo_patches` if there is no run. `image_size` is the
        side of the model's images, in pixels. If `splits` names none, it is the validation split.

        Raises:
            ValueError: there are no such photographs.
        """
        from zfnet.components.storage.local_copy import local_copy

        if data is None and found.examples is not None:
            return local_copy(found.examples)
        splits = splits or ("validation",)
        directory = self.work / "-".join([*splits, str(image_size)])
        if directory.exists():  # Prepared for a model before this one.
            return Examples(directory)
        return prepare_photographs("photo_patches" if data is None else data, directory, self.downloads, image_size, *splits)


@contextlib.contextmanager
def figure_directory(command: str, out: pathlib.Path, data: str | None = None) -> Iterator[FigureDirectory]:
    """Opens a directory to draw into. When the `with` statement ends well, its files replace those that the command wrote to `out` before.

    `out` is made if missing, and no other process can draw into it meanwhile. The numbers, `<command>.json`, come last. Other files stay.

    Raises:
        ValueError: `out` lies in `data`, the DATA argument.
        OSError: another process draws into it, or it can't be written.
    """
    if data is not None:
        check_outside_data(out, data, "--out")
    with _beside(out, "drawing", "work") as (target, beside):
        directory = FigureDirectory(beside / "drawing", beside / "work", beside / DOWNLOADS)
        yield directory
        replace_drawing(directory.drawing, target, f"{command}.json")


@contextlib.contextmanager
def figure_file(out: pathlib.Path, data: str | None = None) -> Iterator[FigureDirectory]:
    """Opens directories as `figure_directory` does, for a command that writes the file `out` itself; nothing is moved in the end.

    Raises:
        ValueError: `out` lies in `data`, the DATA argument.
        OSError: another process writes it, or its directory can't be made or written.
    """
    if data is not None:
        check_outside_data(out, data, "--out")
    make_its_directory(out)
    with _beside(out, "work") as (target, beside):
        yield FigureDirectory(target.parent, beside / "work", beside / DOWNLOADS)


@contextlib.contextmanager
def _beside(out: pathlib.Path, *names: str) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """Makes empty directories in a hidden one beside `out`, which no other process can use meanwhile; gives `out` and the hidden one.

    They are removed in the end. Downloads stay there after a failure: the same command goes on with them.
    """
    target = out.resolve()  # `.` has no name to write beside.
    beside = target.with_name(f".{target.name}.partial")
    paths, downloads = [beside / name for name in names], beside / DOWNLOADS
    with root_lock(beside, command_line(), option="--out"):
        try:
            for path in paths:
                shutil.rmtree(path, ignore_errors=True)  # Left by a process that was killed.
                path.mkdir()
            yield target, beside
            shutil.rmtree(downloads, ignore_errors=True)
        finally:
            for path in paths:
                shutil.rmtree(path, ignore_errors=True)
            if not downloads.exists():
                shutil.rmtree(beside)


def replace_drawing(drawing: pathlib.Path, target: pathlib.Path, numbers: str) -> None:
    """Moves all files of `drawing` to `target`, in place of the pictures that were drawn there before; the numbers come last.

    Both directories lie on the same file system. `numbers` is the name of the file with the numbers behind the pictures.
    """
    from zfnet.components.pictures.figure import picture_files

    target.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError, ValueError, AttributeError, KeyError, TypeError):  # not the numbers of a figure
        for name in picture_files(json.loads((target / numbers).read_text())):
            if pathlib.PurePath(name).name == name:
                (target / name).unlink(missing_ok=True)
        # Before new pictures come: no numbers are better than numbers of other pictures.
        (target / numbers).unlink(missing_ok=True)
    for file in sorted(drawing.iterdir(), key=lambda file: file.name == numbers):
        file.replace(target / file.name)


@dataclass(frozen=True)
class OutputDirectory:
    """Directories in which a command works: `path`, an empty one for the output, and `downloads` as in `FigureDirectory`."""

    path: epath.Path
    downloads: epath.Path


@contextlib.contextmanager
def output_directory(out: epath.Path) -> Iterator[OutputDirectory]:
    """Opens a directory to write to, which is `out` when the `with` statement ends well.

    On a local disk it lies beside `out` and is renamed, and no other process can use it meanwhile. A remote storage cannot rename a
    directory; there it is `out` itself, with a file INCOMPLETE in it until all is done.

    Raises:
        FileExistsError: it holds something already.
        OSError: another process writes to it, or it can't be written.
    """
    remote = "://" in str(out)
    left = remote and (out / INCOMPLETE).exists()  # by a command that was killed
    if not left and out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty. Give another directory with --out, or empty it.")
    if not remote:
        with _beside(pathlib.Path(out), "output") as (target, beside):
            yield OutputDirectory(epath.Path(beside / "output"), epath.Path(beside / DOWNLOADS))
            (beside / "output").rename(target)
        return
    out.rmtree(missing_ok=True)
    (out / INCOMPLETE).write_text(f"Being written by: {command_line()}\n")
    yield OutputDirectory(out, out.parent / f"{out.name}-{DOWNLOADS}")
    (out / INCOMPLETE).unlink()


def make_its_directory(out: pathlib.Path) -> None:
    """Makes the directory that the file `out` is to lie in, if it is missing.

    Raises:
        OSError: it can't be made, or not be written to.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"The directory {out.parent} can't be made ({error.strerror}). Give another with --out.") from error
    if not os.access(out.parent, os.W_OK):
        raise OSError(f"The directory {out.parent} can't be written (Permission denied). Give another with --out.")


def check_outside_data(directory: pathlib.PurePath, data: str, option: str) -> None:
    """Fails if a directory to be written is DATA or lies inside of it, where it would be taken for a class of photographs.

    `directory` is local or remote; `option` is the option that gives it, for the message.

    Raises:
        ValueError: it lies there.
    """
    # As in `open_source`, `photo_patches` is the data set even if there is a directory of this name.
    if not data or data == "photo_patches":
        return
    if is_remote(data):
        inside = epath.Path(directory).is_relative_to(epath.Path(data))
    else:
        photographs = pathlib.Path(data).expanduser()
        local = photographs.is_dir() and not is_remote(directory)
        inside = local and pathlib.Path(directory).resolve().is_relative_to(photographs.resolve())
    if inside:
        advice = f"Give one outside of it with {option}."
        raise ValueError(f"The directory {directory} lies inside of DATA {data}, where it would be taken for photographs. {advice}")
