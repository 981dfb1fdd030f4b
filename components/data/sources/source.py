"""Interface of every kind of DATA, and reading of photographs that are files."""

import abc
import functools
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zfnet.components.data.sources.shard_plan import PhotographFile, ShardKey, plan_shards
from zfnet.components.storage.files import is_remote, open_file

if TYPE_CHECKING:
    import apache_beam as beam

# Places to list, and a function for the workers: it yields `(split, files)` for the photographs at a place.
# All photographs of a class that `hold_out` divides come from one place, since it ranks them together.
Listing = tuple[list, Callable[[Any], Iterable[tuple[str, list[PhotographFile]]]]]


@dataclass(frozen=True)
class SourcePhotograph:
    """One photograph of a source.

    Args:
        id: names it within the source, and stays the same.
        label: place of its class in the source's labels.
        origin: where it was read from, for a person who looks for it.
        read: returns the encoded bytes; raises `UnreadablePhotograph` if there are none.
        photograph: the photograph that the image was cut from; None if the image is the whole photograph.
        box: top, left, bottom, right of the image in pixels of `photograph`; None if the image is the whole photograph.
    """

    id: str
    label: int
    origin: str
    read: Callable[[], bytes]
    photograph: str | None = None
    box: tuple[int, int, int, int] | None = None


class Source(abc.ABC):
    """Photographs with classes, in two splits, `train` and `validation`.

    A new kind of DATA is a subclass in a file of its own and a line in `open_source`.

    Args:
        data: the DATA argument that named it.
        title: prefix of the names of the shards; TFDS's names are lower-case letters, digits and underscores, so others are replaced.
        location: where the workers read.
        remote: whether each photograph has to be fetched from a remote storage.

    Attributes:
        notes: sentences about choices that a user should know of, such as folders that are not used.
    """

    notes: Sequence[str] = ()

    def __init__(self, data: str, title: str, location: str, remote: bool = False) -> None:
        self.data, self.location, self.remote = data, location, remote
        name = re.sub("[^a-z0-9]+", "_", title.lower()).strip("_")
        self.name = name if name[:1].isalpha() else f"photographs_{name}".rstrip("_")

    def __str__(self) -> str:
        return self.data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})"

    @property
    @abc.abstractmethod
    def labels(self) -> list[str]:
        """Class names; the place of a name is its label."""

    @property
    def published(self) -> dict[str, int] | None:
        """The number of photographs in each split of a well-known data set; None if it is unknown."""
        return None

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Text that changes when the photographs do; computed without reading them."""

    @abc.abstractmethod
    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[ShardKey, Any]]":
        """Assigns references to the photographs, rather than their bytes, to shards in a new pipeline.

        `num_shards` is as in `shard_numbers`. The result is `((split, index, number of shards), references)`, once for every shard of both
        splits; `read` takes the references.
        """

    @staticmethod
    @abc.abstractmethod
    def read(references: Any) -> Iterator[SourcePhotograph]:
        """Yields the photographs of one shard in order, undecoded; runs on the workers."""


class FileSource(Source):
    """Photographs that are files; references are lists of `PhotographFile`."""

    @abc.abstractmethod
    def listing(self) -> Listing:
        """How workers find the photographs."""

    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[ShardKey, list[PhotographFile]]]":
        """Plans the shards with `plan_shards`."""
        import apache_beam as beam

        places, list_place = self.listing()
        # Without the reshuffle, one worker would list everything.
        return plan_shards(pipeline | beam.Create(places) | beam.Reshuffle() | "List" >> beam.FlatMap(list_place), num_shards)

    @staticmethod
    def read(references: list[PhotographFile]) -> Iterator[SourcePhotograph]:
        """Yields the photographs. A file is opened only when its photograph is read."""
        for id, label, path in references:
            yield SourcePhotograph(id, label, as_text(path), functools.partial(read_file, path))


def as_text(path: bytes) -> str:
    """A path as text, with bytes that are no UTF-8 escaped."""
    return path.decode(errors="backslashreplace")


def class_name(text: str) -> str:
    """A class's name as it is stored: bytes that are no text, and characters that would break a line, are escaped."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in as_text(os.fsencode(text)))


def check_look_alikes(data: str, classes: Mapping[str, Collection[str]]) -> None:
    """Checks the names of classes, given with the splits of each.

    Computers write `é` in two ways, and a space at the end is invisible: such names would be two classes. So would `Cat` in one split and
    `cat` in the other.

    Raises:
        ValueError: two names look alike, or differ in capitals alone and have no split in common.

    Examples:
        >>> check_look_alikes("letters", {"a": ["train", "validation"], "A": ["train", "validation"]})
        >>> check_look_alikes("cats.csv", {"Cat": ["train"], "cat": ["validation"]})
        Traceback (most recent call last):
        ValueError: cats.csv has the classes 'Cat' and 'cat', which look alike: give them one name, or two that differ.
    """
    seen: dict[str, str] = {}
    for name, splits in classes.items():
        plain = unicodedata.normalize("NFC", name).strip()
        other = seen.setdefault(plain.casefold(), name)
        alike = unicodedata.normalize("NFC", other).strip() == plain
        if other != name and (alike or not set(splits) & set(classes[other])):
            raise ValueError(f"{data} has the classes {other!a} and {name!a}, which look alike: give them one name, or two that differ.")


def read_file(path: bytes) -> bytes:
    """The bytes of a photograph; raises `UnreadablePhotograph` if there are none that can be read."""
    name = os.fsdecode(path)
    return _read_remote(name) if is_remote(name) else _read_local(Path(name))


def _read_local(file: Path) -> bytes:
    # A run in which nothing changed must not wait for numpy and Pillow.
    from zfnet.components.inputs.photograph import UnreadablePhotograph, check_encoded_size

    if not file.is_file():  # before opening it: reading a named pipe would never end
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

    from zfnet.components.inputs.photograph import MAX_ENCODED_BYTES, UnreadablePhotograph

    try:
        with open_file(name) as file:
            return file.read(MAX_ENCODED_BYTES + 1)  # decoding rejects larger files
    except Exception as error:  # storages raise different errors for a missing file
        if FileSystems.exists(name):
            raise
        raise UnreadablePhotograph("no such file") from error
