"""DATA that needs nothing: `photo_patches`."""

import functools
import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zfnet.components.data.sources.photographs import PHOTO_PATCHES_VERSION, PHOTOGRAPHS
from zfnet.components.data.sources.shard_plan import SPLITS, plan_shards
from zfnet.components.data.sources.source import Source, SourcePhotograph
from zfnet.components.data.sources.tfds import published_counts

if TYPE_CHECKING:
    import apache_beam as beam
    from PIL import Image

    from zfnet.components.data.sources.shard_plan import PhotographFile, ShardKey


class PhotoPatchesSource(Source):
    """Patches of the photographs that ship inside the scikit-image and scikit-learn packages.

    They are the patches of the TFDS data set of this name, but cut where they are prepared: TFDS would store each as a JPEG, to be decoded,
    scaled and encoded once more.
    """

    def __init__(self) -> None:
        super().__init__("photo_patches", "photo_patches")

    @property
    def labels(self) -> list[str]:
        """The photographs' names."""
        return [photograph.name for photograph in PHOTOGRAPHS]

    @property
    def location(self) -> str:
        """The packages, which are wherever this project is installed."""
        return "package://skimage,sklearn"

    @property
    def published(self) -> dict[str, int] | None:
        """As many as are cut."""
        return published_counts(self.data, None)

    def fingerprint(self) -> str:
        """The version and a digest of the photographs that are expected; TFDS is not imported for it."""
        digests = "".join(photograph.sha256 for photograph in PHOTOGRAPHS)
        return f"photo_patches:{PHOTO_PATCHES_VERSION}:{hashlib.sha256(digests.encode()).hexdigest()}"

    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[ShardKey, list[PhotographFile]]]":
        """Shares the patches out by a digest of their ids, as if each was a file; nothing is cut yet."""
        import apache_beam as beam

        from zfnet.components.data.sources.photo_patches_builder import PATCHES, patch_id

        for photograph in PHOTOGRAPHS:
            photograph.read()  # Fails here where it is missing or another.
        patches = [
            (split, [(patch_id(photograph, split, number), label, b"") for number in range(PATCHES[split])])
            for split in SPLITS
            for label, photograph in enumerate(PHOTOGRAPHS)
        ]
        return plan_shards(pipeline | "Patches" >> beam.Create(patches), num_shards)

    @staticmethod
    def read(references: "list[PhotographFile]") -> Iterator[SourcePhotograph]:
        """The patches of one shard, as files without loss."""
        for id, label, _ in references:
            name, split, number = id.split("/")
            pixels, boxes = _opened(label, split)
            box = boxes[int(number)]
            origin = f"photo_patches/{PHOTO_PATCHES_VERSION}"
            yield SourcePhotograph(id, label, origin, functools.partial(_cut, pixels, box), photograph=name, box=box)


@functools.cache
def _opened(label: int, split: str) -> "tuple[Image.Image, list[tuple[int, int, int, int]]]":
    """A photograph, and its patches of one split."""
    from zfnet.components.data.sources.photo_patches_builder import decode, patch_boxes

    pixels = decode(PHOTOGRAPHS[label])
    return pixels, patch_boxes(PHOTOGRAPHS[label], split, pixels.size)


def _cut(pixels: "Image.Image", box: tuple[int, int, int, int]) -> bytes:
    """The patch as a BMP: of what has no loss, that costs least."""
    top, left, bottom, right = box
    patch = pixels.crop((left, top, right, bottom))
    patch.info = {}
    encoded = io.BytesIO()
    patch.save(encoded, "BMP")
    return encoded.getvalue()
