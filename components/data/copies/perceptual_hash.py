"""Perceptual hashes: 60 bits that an image keeps when it is compressed anew, scaled or made brighter; and those of crops of it.

Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2.
"""

import io
import math
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE = 64  # of the grey copy that is hashed, in pixels
FREQUENCIES = 8  # of the cosine transform, along a side
BITS = 60
DISTANCE = 8  # bits; hashes of two images of one picture differ in no more
BAND = 12  # bits; of five bands, hashes at a distance of up to 8 mostly have one in common
AT_A_TIME = 1 << 20  # pairs of hashes
SCALES = (1.0, 0.94, 0.88, 0.82, 0.76, 0.7)  # sides of the parts that are hashed, as shares of the image's side; the whole image first
STEP = 0.08  # between two crops of a scale, at most, as a share of the image's side


class View(NamedTuple):
    """A square part of an image; its place and side are shares of the image's side, 0..1."""

    top: float
    left: float
    side: float


def _places(side: float) -> np.ndarray:
    """Starts of the views of one size along a side of the image, an odd number, so that the central view is among them."""
    intervals = math.ceil(round((1 - side) / STEP, 6))
    return np.linspace(0, 1 - side, intervals + intervals % 2 + 1)


VIEWS = tuple(View(float(top), float(left), side) for side in SCALES for top in _places(side) for left in _places(side))
# The lowest frequencies, the constant one left out, since it is the brightness.
_ORDER = sorted(((row, column) for row in range(FREQUENCIES) for column in range(FREQUENCIES)), key=lambda place: (sum(place), place))
_ROWS, _COLUMNS = (np.array(places) for places in zip(*_ORDER[1 : BITS + 1], strict=True))


def grey_copy(jpeg: bytes) -> np.ndarray:
    """Decodes a square image and scales it: grey levels, uint8 `(64, 64)`."""
    with Image.open(io.BytesIO(jpeg)) as image:
        image.draft("L", (SIDE, SIDE))  # decodes the brightness alone, and a large JPEG at a fraction of its size
        return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def hash_views(greys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes images and their parts: the bits are the signs of the lowest coefficients of the cosine transform.

    Sums are integers, so that the bits depend neither on the machine nor on how many images are hashed together.

    Args:
        greys: uint8 `(images, 64, 64)`, from `grey_copy`.

    Returns:
        uint64 `(images, views)`, the hashes of the parts in `VIEWS`, the whole image first; and uint64 `(images,)`, those of the images
        after a reflection from left to right.

    Examples:
        >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (1, 64, 1))
        >>> hashes, mirrored = hash_views(ramp)
        >>> hashes.shape, bool(hash_views(ramp[:, :, ::-1])[0][0, 0] == mirrored[0])
        ((1, 94), True)
    """
    pixels, number = np.asarray(greys, np.float32), len(greys)
    bits = np.empty((number, len(VIEWS), BITS), bool)
    first = 0
    for places, matrix in _TRANSFORMS:
        # Sums up to 1024 * 255, and then up to 2**24: float32 is exact.
        rows = np.rint((matrix @ pixels) / 16)
        # One small product an image: BLAS would share a large one among threads, which wait for each other.
        grid = (rows @ matrix.T).reshape(number, places, FREQUENCIES, places, FREQUENCIES)
        if first == 0:
            whole = grid[:, 0, _ROWS, 0, _COLUMNS]
        last = first + places * places
        signs = (grid > 0).transpose(0, 1, 3, 2, 4).reshape(number, last - first, -1)
        bits[:, first:last] = signs[:, :, _ROWS * FREQUENCIES + _COLUMNS]
        first = last
    return _packed(bits), _packed(np.where(_COLUMNS % 2, -whole, whole) > 0)  # odd waves turn


def _packed(bits: np.ndarray) -> np.ndarray:
    """Packs bits, bool `(..., 60)`, into uint64 `(...)`."""
    eights = np.packbits(bits, axis=-1, bitorder="little")
    return np.ascontiguousarray(eights).view("<u8")[..., 0].astype(np.uint64)


def _transform(start: float, side: float, samples: int = 32) -> np.ndarray:
    """Whole numbers that turn a row of `SIDE` pixels into the frequencies of its part from `start`: float32 `(8, 64)`."""
    edges = SIDE * (start + side * np.arange(samples + 1) / samples)
    pixels = np.arange(SIDE)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    means = np.maximum(covered, 0) * samples / (SIDE * side)
    waves = np.cos(np.pi * np.arange(FREQUENCIES)[:, None] * (2 * np.arange(samples) + 1) / (2 * samples))
    return np.rint(1024 / samples * (waves @ means)).astype(np.float32)


# For each scale, the number of places along a side, and the frequencies of all of them.
_TRANSFORMS = [
    (len(places), np.concatenate([_transform(start, side) for start in places])) for side in SCALES for places in [_places(side)]
]


class HashIndex:
    """Finds hashes near to others. Those that have no band of `BAND` bits in common are not compared.

    Args:
        hashes: uint64 `(n,)`.
    """

    def __init__(self, hashes: np.ndarray) -> None:
        self._hashes = hashes
        self._bands = []
        for shift in range(0, BITS, BAND):
            values = _band(hashes, shift)
            order = np.argsort(values, kind="stable").astype(np.int32)
            self._bands.append((shift, order, np.searchsorted(values[order], np.arange((1 << BAND) + 1))))

    def near(self, queries: np.ndarray, distance: int = DISTANCE) -> np.ndarray:
        """Compares hashes with those of the index.

        Args:
            queries: uint64 `(m,)`.
            distance: the most bits that may differ.

        Returns:
            int64 `(3, pairs)`: place among the queries, place in the index, and bits that differ. A pair may occur several times.

        Examples:
            >>> HashIndex(np.array([5, 1 << 40], np.uint64)).near(np.array([7], np.uint64)).T.tolist()[0]
            [0, 0, 1]
        """
        found = [np.zeros((3, 0), np.int64)]
        for shift, order, starts in self._bands:
            values = _band(queries, shift)
            first, numbers = starts[values], starts[values + 1] - starts[values]
            ends = np.cumsum(numbers)
            begin = 0
            while begin < len(queries):
                done = ends[begin - 1] if begin else 0
                end = max(begin + 1, int(np.searchsorted(ends, done + AT_A_TIME, side="right")))
                part = numbers[begin:end]
                query = np.repeat(np.arange(begin, end), part)
                within = np.arange(len(query)) - np.repeat(np.cumsum(part) - part, part)
                place = order[np.repeat(first[begin:end], part) + within]
                bits = np.bitwise_count(queries[query] ^ self._hashes[place])
                near = bits <= distance
                found.append(np.stack([query[near], place[near], bits[near]]).astype(np.int64))
                begin = end
        return np.concatenate(found, axis=1)


def _band(hashes: np.ndarray, shift: int) -> np.ndarray:
    return (hashes >> np.uint64(shift)).astype(np.int64) & ((1 << BAND) - 1)
