"""Beam transform of prepared shards: validation images that are nearly the same picture as a training image."""

import io
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from PIL import Image

from zfnet.components.data.copies.correlation import correlation, has_detail
from zfnet.components.data.copies.perceptual_hash import VIEWS, HashIndex, grey_copy, hash_views
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.pictures.figure import encode_png
from zfnet.components.pictures.sheet import block, end_of, sheet

CORRELATION = 0.88  # of fine detail; patches of different places have reached 0.85
CANDIDATES = 2  # training images that are compared with a validation image, those with the nearest hashes
AT_A_TIME = 256  # examples
DRAWN = 20  # pairs in the picture
TILE = 240  # side of an image there, in pixels
LONGEST = 36  # characters of an id above it
Place = tuple[str, int]  # a shard, and the place of an example in it


class Candidate(NamedTuple):
    """A training image whose hash is near to that of a validation image, in the order in which candidates are compared.

    `distance` is in bits. `view` is the place in `VIEWS` of the part that the other image shows; if `cropped`, the validation image is the
    part, otherwise the training image. One of the images may be `mirrored`.
    """

    distance: int
    id: str
    cropped: bool
    mirrored: bool
    view: int
    image: bytes


class NearCopy(NamedTuple):
    """Two images that are nearly one picture; in the order of falling correlation, then of ids.

    `missing` is 1 less the correlation, rounded to hundredths; `distance` is the number of bits, of 60, in which the hashes differ;
    `images` are the stored JPEGs of training and of validation.
    """

    missing: float
    train: str
    validation: str
    distance: int
    images: tuple[bytes, bytes]

    @property
    def anomaly(self) -> dict[str, Any]:
        """The entry of `anomalies.json`."""
        found = round(1 - self.missing, 2)
        message = f"Nearly the same picture is in train ({self.train}) and in validation ({self.validation}), correlation {found:.2f}: "
        message += "keep one of them, or put both into one split."
        pair = {"train": self.train, "validation": self.validation}
        return {"kind": "near_copy", "message": message, **pair, "distance": self.distance, "correlation": found}


class NearCopies(beam.PTransform):
    """Turns shards, given as `(split, path)`, into one `NearCopy` for each pair of images across the splits that show one picture.

    Found are images that were compressed anew, scaled, reflected or made brighter, and crops of down to about 0.8 of the side. Hashes
    propose pairs: whole images against the parts in `VIEWS`, in both directions. Each validation image is compared with the `CANDIDATES`
    nearest training images by their pixels, see `correlation`. Images without fine detail, such as a clear sky, are not looked for. Equal
    images are found by `DuplicateImages` instead.

    Every worker holds the hashes of all validation images, about 3 kB an image; training images are read once, and their hashes never
    leave their worker. Beam carries `CANDIDATES` training images, as JPEG, for each validation image that has any. Many nearly equal
    images, such as those of a fixed camera, need more: a worker holds all pairs of a shard whose hashes are near.
    """

    def expand(self, shards: beam.PCollection) -> beam.PCollection:  # noqa: D102
        hashed = shards | beam.Filter(lambda shard: shard[0] == "validation") | "Hash" >> beam.FlatMap(_hash_shard)
        known = hashed | beam.combiners.ToList() | "Index" >> beam.Map(ValidationHashes)
        return (
            shards
            | "Train" >> beam.Filter(lambda shard: shard[0] == "train")
            | "Candidates" >> beam.FlatMap(_candidates, beam.pvalue.AsSingleton(known))
            | "Nearest" >> beam.combiners.Top.SmallestPerKey(CANDIDATES)
            | "ByShard" >> beam.Map(lambda found: (found[0][0], (found[0][1], found[1])))
            | beam.GroupByKey()
            | "Compare" >> beam.FlatMap(_compare)
        )


class ValidationHashes:
    """The hashes of all validation images, whole and mirrored, and of their parts.

    Args:
        parts: the results of `_hash_shard` for all shards, in any order.
    """

    def __init__(self, parts: list[tuple[list[Place], np.ndarray, np.ndarray]]) -> None:
        parts = sorted(parts, key=lambda part: part[0][0])
        self._places = [place for places, _, _ in parts for place in places]
        hashes = np.concatenate([np.zeros((0, len(VIEWS)), np.uint64), *(part[1] for part in parts)])
        mirrored = np.concatenate([np.zeros(0, np.uint64), *(part[2] for part in parts)])
        self._whole = HashIndex(np.stack([hashes[:, 0], mirrored], axis=1).ravel())
        self._views = HashIndex(hashes.ravel())

    def candidates(self, examples: list[dict], hashes: np.ndarray, mirrored: np.ndarray) -> Iterator[tuple[Place, Candidate]]:
        """Yields the nearest of some training images for every validation image that has any; arrays as from `hash_views`."""
        views = len(VIEWS)
        # Rows: validation image, training image, distance, whether validation is the part, whether one is mirrored, view.
        image, found, distance = self._whole.near(hashes.ravel())
        as_part = np.stack([found // 2, image // views, distance, np.ones_like(image), found % 2, image % views])
        image, found, distance = self._views.near(np.stack([hashes[:, 0], mirrored], axis=1).ravel())
        as_whole = np.stack([found // views, image // 2, distance, np.zeros_like(image), image % 2, found % views])
        pairs = np.concatenate([as_part, as_whole], axis=1)
        pairs = pairs[:, np.lexsort(pairs[[5, 4, 3, 2, 1, 0]])]
        first = np.ones(pairs.shape[1], bool)  # the nearest views of a pair
        first[1:] = (np.diff(pairs[:2]) != 0).any(axis=0)
        for validation, rows in itertools.groupby(pairs[:, first].T.tolist(), key=lambda row: row[0]):
            near = [
                Candidate(distance, examples[train]["id"], bool(part), bool(turned), view, examples[train]["image"])
                for _, train, distance, part, turned, view in rows
            ]
            for candidate in sorted(near)[:CANDIDATES]:
                yield self._places[validation], candidate


def _hash_shard(shard: tuple[str, str]) -> Iterator[tuple[list[Place], np.ndarray, np.ndarray]]:
    """Yields the places of examples, and their hashes, some at a time."""
    _, path = shard
    for examples, hashes, mirrored in _hashed(path):
        yield [(path, number) for number, _ in examples], hashes, mirrored


def _candidates(shard: tuple[str, str], known: ValidationHashes) -> Iterator[tuple[Place, Candidate]]:
    for examples, hashes, mirrored in _hashed(shard[1]):
        yield from known.candidates([example for _, example in examples], hashes, mirrored)


def _hashed(path: str) -> Iterator[tuple[list[tuple[int, dict]], np.ndarray, np.ndarray]]:
    """Yields examples of a shard with their places in it, and the hashes of `hash_views`; those without detail are left out."""
    examples = enumerate(read_shard(path))
    while numbered := list(itertools.islice(examples, AT_A_TIME)):
        greys = np.stack([grey_copy(example["image"]) for _, example in numbered])
        kept = np.flatnonzero(has_detail(greys))
        if len(kept):
            yield [numbered[place] for place in kept], *hash_views(greys[kept])


def _compare(grouped: tuple[str, Any]) -> Iterator[NearCopy]:
    """Yields those candidates for the validation images of a shard that are near copies."""
    path, found = grouped
    wanted = dict(found)
    for number, example in enumerate(read_shard(path)):
        for candidate in wanted.get(number, ()):
            if candidate.image != example["image"]:
                similar = _similarity(candidate, grey_copy(example["image"]))
                if similar >= CORRELATION:
                    pair = candidate.image, example["image"]
                    yield NearCopy(round(1 - similar, 2), candidate.id, example["id"], candidate.distance, pair)


def _similarity(candidate: Candidate, validation: np.ndarray) -> float:
    train, view = grey_copy(candidate.image), VIEWS[candidate.view]
    if candidate.cropped:
        return correlation(validation[:, ::-1] if candidate.mirrored else validation, train, view)
    return correlation(train[:, ::-1] if candidate.mirrored else train, validation, view)


def draw_near_copies(copies: Sequence[NearCopy]) -> bytes:
    """Draws the first `DRAWN` pairs, in two columns, the training image at the left of each pair: a PNG."""
    pairs = [[np.asarray(Image.open(io.BytesIO(image)).convert("RGB")) for image in copy.images] for copy in copies[:DRAWN]]
    headings = ["  |  ".join(end_of(id, LONGEST) for id in (copy.train, copy.validation)) for copy in copies[:DRAWN]]
    return encode_png(sheet([block(pair, 2, TILE) for pair in pairs], headings, min(2, len(pairs))))
