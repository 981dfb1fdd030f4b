"""DATA that needs nothing: `photo_patches`."""

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from etils import epath

from zfnet.components.data.photographs import PHOTO_PATCHES_VERSION, PHOTOGRAPHS
from zfnet.components.data.published_counts import published_counts
from zfnet.components.data.source import Source, SourcePhotograph

if TYPE_CHECKING:
    import apache_beam as beam

    from zfnet.components.data.shard_plan import ShardKey


class PhotoPatchesSource(Source):
    """Patches of the photographs that ship inside the scikit-image and scikit-learn packages.

    Args:
        download_dir: where TFDS prepares them.
    """

    def __init__(self, download_dir: epath.PathLike) -> None:
        super().__init__("photo_patches", "photo_patches")
        self._download_dir = download_dir

    @property
    def labels(self) -> list[str]:
        """The photographs' names."""
        return [photograph.name for photograph in PHOTOGRAPHS]

    @property
    def location(self) -> str:
        """TFDS's directory."""
        return os.fspath(self._download_dir)

    @property
    def published(self) -> dict[str, int] | None:
        """As many as are cut."""
        return published_counts(self.data, None)

    def fingerprint(self) -> str:
        """The version and a digest of the photographs that are expected; TFDS is not imported for it."""
        digests = "".join(photograph.sha256 for photograph in PHOTOGRAPHS)
        return f"photo_patches:{PHOTO_PATCHES_VERSION}:{hashlib.sha256(digests.encode()).hexdigest()}"

    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[ShardKey, Any]]":
        """Ranges of the data set that TFDS cuts here first, if it has not yet."""
        import tensorflow_datasets as tfds

        import zfnet.components.data.photo_patches  # noqa: F401  registers the builder
        from zfnet.components.data.tfds_source import TfdsSource

        tfds.disable_progress_bar()  # it takes seconds
        with contextlib.redirect_stderr(io.StringIO()):
            return TfdsSource(self.data, self._download_dir).plan(pipeline, num_shards)

    @staticmethod
    def read(references: Any) -> Iterator[SourcePhotograph]:
        """The patches of one range."""
        from zfnet.components.data.tfds_source import TfdsSource

        return TfdsSource.read(references)
