"""Where photographs come from: what every kind of DATA offers to ExampleGen."""

import abc
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etils import epath

if TYPE_CHECKING:
    import apache_beam as beam

    from zfnet.components.data.prepared_source import PreparedSource
    from zfnet.components.data.shard_plan import ShardKey


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


def open_source(data: str, download_dir: epath.PathLike) -> "Source | PreparedSource":
    """Finds what a DATA argument names.

    Args:
        data: `photo_patches`; a folder of photographs (`train/CLASS/*` and `validation/CLASS/*`, or `CLASS/*` alone); a CSV of path and
            label; a directory that ExampleGen wrote; or the name of a TFDS data set, such as `imagenette/320px-v2`, with splits of it
            if wanted: `imagenette/320px-v2@train[:10%]`. Folders, files and directories may be remote: `gs://bucket/photographs`.
        download_dir: where TFDS prepares data sets, unless the environment names another place by `TFDS_DATA_DIR`.

    Returns:
        The source. Nothing is downloaded or decoded yet, and TensorFlow is not imported for `photo_patches`, folders and files.

    Raises:
        ValueError: DATA names none of these, or no photographs in at least two classes.

    Examples:
        source = open_source("photographs/of/birds", "zfnet_run/tfds")
    """
    if data == "photo_patches":
        from zfnet.components.data.photo_patches_source import PhotoPatchesSource

        return PhotoPatchesSource()
    path = epath.Path(data).expanduser()
    if data and (path / "manifest.json").exists():
        from zfnet.components.data.prepared_source import PreparedSource

        return PreparedSource(data)
    if data and any((path / name).exists() for name in ("run.json", "metadata.sqlite")):
        raise ValueError(
            f"DATA {data} is a directory that a run wrote, not photographs: give what that run was given, or the examples that it "
            f"prepared, {data.rstrip('/')}/example_gen/NUMBER/examples."
        )
    if data and path.is_dir():
        from zfnet.components.data.folder_source import FolderSource

        return FolderSource(data)
    if data.lower().endswith(".csv"):
        from zfnet.components.data.csv_source import CsvSource

        return CsvSource(data)
    if path.exists() and data:
        raise ValueError(
            f"DATA {data} is a file: expected a folder that holds one folder of photographs for each class, or a .csv of path and label."
        )
    if not data or path.is_absolute() or data.startswith((".", "~")) or "://" in data:
        raise ValueError(
            f"DATA {data!r} does not exist: expected a folder that holds one folder of photographs for each class, a .csv of path and "
            "label, or a directory of prepared examples."
        )
    from zfnet.components.data.tfds_source import TfdsSource

    return TfdsSource(data, download_dir)
