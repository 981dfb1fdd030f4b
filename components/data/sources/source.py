"""Where photographs come from: what every kind of DATA offers to ExampleGen."""

import abc
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apache_beam as beam

    from zfnet.components.data.sources.shard_plan import ShardKey


@dataclass(frozen=True)
class SourcePhotograph:
    """One photograph as a source gives it.

    Args:
        id: names it within the source, and stays the same.
        label: place of its class in the source's labels.
        origin: where it was read from, for a person who looks for it.
        read: returns the encoded bytes; raises `UnreadablePhotograph` where there are none.
        photograph: the photograph that the image was cut from; None if the image is the whole photograph.
        box: what was cut: top, left, bottom, right in pixels of `photograph`; None if the image is the whole photograph.
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
        title: what the names of the shards begin with, made a name as TFDS demands it: lower-case letters, digits and underscores.
    """

    def __init__(self, data: str, title: str) -> None:
        self.data = data
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
    @abc.abstractmethod
    def location(self) -> str:
        """Where the workers will read."""

    @property
    def remote(self) -> bool:
        """Whether each photograph has to be fetched from a remote storage."""
        return False

    @property
    def published(self) -> dict[str, int] | None:
        """How many photographs each split of a well-known data set has; None where nobody can know."""
        return None

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Text that changes when the photographs do; told without reading them."""

    @abc.abstractmethod
    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[ShardKey, Any]]":
        """Decides what goes into which shard, by references to the photographs rather than their bytes.

        Args:
            pipeline: where to begin.
            num_shards: files of the training split; None leaves it to the number of photographs.

        Returns:
            `((split, index, number of shards), references)`, once for every shard of both splits; `read` takes the references.
        """

    @staticmethod
    @abc.abstractmethod
    def read(references: Any) -> Iterator[SourcePhotograph]:
        """Yields the photographs of one shard in order; runs on the workers."""


def class_name(text: str) -> str:
    """A class's name as it is stored: what is no text, or would break the line that lists of classes give to each, is spelt out."""
    text = os.fsencode(text).decode(errors="backslashreplace")
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)
