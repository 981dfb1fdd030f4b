"""The patches of `photo_patches`: squares of 15 photographs, the class being the photograph.

TFDS is not imported: while it is, imports in other threads of a worker may fail, since TFDS replaces Python's import meanwhile.
"""

import io
import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

from zfnet.components.data.sources.photographs import Photograph

PATCHES = {"train": 200, "validation": 50}  # of each photograph
TRAIN_SHARE = 0.7  # of a photograph's columns, from the left
SMALLEST_SHARE, LARGEST_SHARE = 0.15, 0.6  # side of a patch over the photograph's shortest side
LARGEST_SIDE = 256  # of a stored patch, pixels
TFDS_JPEG_QUALITY = 95
SEED = 0


def cut_patches(photograph: Photograph, split: str) -> Iterator[dict]:
    """Yields the features of the patches that `patch_boxes` places, with the class's name as `label`.

    A patch is cropped out of the original pixels before anything is resampled, so no filter carries pixels of the one split's columns
    into the other's.
    """
    pixels = decode(photograph)
    for number, (top, left, bottom, right) in enumerate(patch_boxes(photograph, split, pixels.size)):
        yield {
            "image": _encode(pixels.crop((left, top, right, bottom))),
            "label": photograph.name,
            "id": patch_id(photograph, split, number),
            "photograph": photograph.name,
            "box": np.array([top, left, bottom, right], np.int64),
        }


def decode(photograph: Photograph) -> Image.Image:
    """The photograph's pixels, RGB."""
    with Image.open(io.BytesIO(photograph.read())) as file:
        return file.convert("RGB")


def patch_id(photograph: Photograph, split: str, number: int) -> str:
    """The id of patch `number` of a photograph and split, such as `astronaut/train/0007`."""
    return f"{photograph.name}/{split}/{number:04d}"


def patch_boxes(photograph: Photograph, split: str, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Draws the places of a photograph's patches, the same ones every time: top, left, bottom, right, in its pixels.

    The side of a patch is uniform between the two shares of the photograph's shortest side, or as wide as the columns if that is less; its
    place is uniform. The split `train` has the left 70 % of the columns, `validation` the others. `size` is width and height of the
    photograph, in pixels.
    """
    width, height = size
    boundary = int(TRAIN_SHARE * width)
    first_column, end_column = (0, boundary) if split == "train" else (boundary, width)
    smallest, largest = math.ceil(SMALLEST_SHARE * min(size)), math.floor(LARGEST_SHARE * min(size))
    random = np.random.default_rng([SEED, *f"{photograph.name}/{split}".encode()])
    boxes = []
    for _ in range(PATCHES[split]):
        side = min(int(random.integers(smallest, largest, endpoint=True)), end_column - first_column)
        top = int(random.integers(0, height - side, endpoint=True))
        left = int(random.integers(first_column, end_column - side, endpoint=True))
        boxes.append((top, left, top + side, left + side))
    return boxes


def _encode(patch: Image.Image) -> bytes:
    if patch.width > LARGEST_SIDE:
        patch = patch.resize((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BICUBIC)
    patch.info = {}  # else the photograph's comments and other metadata are written too
    encoded = io.BytesIO()
    patch.save(encoded, "JPEG", quality=TFDS_JPEG_QUALITY, subsampling="4:4:4")
    return encoded.getvalue()
