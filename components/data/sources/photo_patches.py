"""DATA that is `photo_patches`: nothing is downloaded."""

import functools
import hashlib
import io
from collections.abc import Iterator

from PIL import Image

from zfnet.components.data.sources.patches import PATCHES, decode, patch_boxes, patch_id
from zfnet.components.data.sources.photographs import PHOTO_PATCHES_VERSION, PHOTOGRAPHS
from zfnet.components.data.sources.shard_plan import SPLITS, PhotographFile
from zfnet.components.data.sources.source import FileSource, Listing, SourcePhotograph
from zfnet.components.data.sources.tfds_builder import published_counts


class PhotoPatchesSource(FileSource):
    """Patches of the photographs that ship inside the scikit-image and scikit-learn packages.

    They are the patches of the TFDS data set of this name, but cut where they are prepared: TFDS would store each as a JPEG, to be decoded,
    scaled and encoded once more.
    """

    def __init__(self) -> None:
        super().__init__("photo_patches", "photo_patches", "package://skimage,sklearn")  # Every worker has these packages.

    @property
    def labels(self) -> list[str]:
        """The photographs' names."""
        return [photograph.name for photograph in PHOTOGRAPHS]

    @property
    def published(self) -> dict[str, int] | None:
        """The numbers of patches."""
        return published_counts(self.data, None)

    def fingerprint(self) -> str:
        """The version and a digest of the expected photographs; computed without TFDS."""
        digests = "".join(photograph.sha256 for photograph in PHOTOGRAPHS)
        return f"photo_patches:{PHOTO_PATCHES_VERSION}:{hashlib.sha256(digests.encode()).hexdigest()}"

    def listing(self) -> Listing:
        """Every photograph in every split; the patches are planned as if each was a file."""
        for photograph in PHOTOGRAPHS:
            photograph.read()  # Fails here if it is missing or another one.
        return [(split, label) for split in SPLITS for label in range(len(PHOTOGRAPHS))], _list

    @staticmethod
    def read(references: list[PhotographFile]) -> Iterator[SourcePhotograph]:
        """Yields the patches, losslessly encoded."""
        for id, label, _ in references:
            name, split, number = id.split("/")
            pixels, boxes = _opened(label, split)
            box = boxes[int(number)]
            yield SourcePhotograph(id, label, f"photo_patches/{PHOTO_PATCHES_VERSION}", functools.partial(_cut, pixels, box), name, box)


def _list(place: tuple[str, int]) -> Iterator[tuple[str, list[PhotographFile]]]:
    split, label = place
    yield split, [(patch_id(PHOTOGRAPHS[label], split, number), label, b"") for number in range(PATCHES[split])]


@functools.cache
def _opened(label: int, split: str) -> tuple[Image.Image, list[tuple[int, int, int, int]]]:
    """The photograph, and the boxes of its patches of one split."""
    pixels = decode(PHOTOGRAPHS[label])
    return pixels, patch_boxes(PHOTOGRAPHS[label], split, pixels.size)


def _cut(pixels: Image.Image, box: tuple[int, int, int, int]) -> bytes:
    """The patch as a BMP, the cheapest lossless format."""
    top, left, bottom, right = box
    patch = pixels.crop((left, top, right, bottom))
    patch.info = {}
    encoded = io.BytesIO()
    patch.save(encoded, "BMP")
    return encoded.getvalue()
