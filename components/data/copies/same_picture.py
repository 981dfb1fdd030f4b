"""Beam transform of prepared shards: images that are in both splits, byte for byte."""

import hashlib
import heapq
from collections.abc import Container, Iterable, Iterator
from typing import Any

import apache_beam as beam

from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.shard_plan import SPLITS

LISTED_IDS = 5  # of one image in one split

# How often an image occurs in each split, and the first of its ids there.
Occurrence = dict[str, tuple[int, list[str]]]


class DuplicateImages(beam.PTransform):
    """Turns shards, given as `(split, path)`, into one anomaly for each image that is in both splits.

    Images are equal if their stored squares are, byte for byte. That finds copies of a file, and copies of the same pixels in another
    lossless format or with other metadata. It does not find an image that was scaled or compressed anew, nor the copy of a large JPEG
    in another format, since a large JPEG is decoded at a fraction of its size: `NearCopies` does.

    Every worker holds the digests of all validation images, about 100 bytes an image; other images of training never leave their worker.
    """

    def expand(self, shards: beam.PCollection) -> beam.PCollection:  # noqa: D102
        held_out = shards | beam.Filter(lambda shard: shard[0] == "validation") | "DigestValidation" >> beam.FlatMap(_digests)
        known = beam.pvalue.AsSingleton(held_out | beam.Keys() | beam.combiners.ToSet())
        return (
            (
                held_out,
                shards | "Train" >> beam.Filter(lambda shard: shard[0] == "train") | "DigestTrain" >> beam.FlatMap(_digests, known),
            )
            | beam.Flatten()
            | "Occurrences" >> beam.CombinePerKey(Occurrences())
            | "InBoth" >> beam.FlatMap(lambda keyed: _anomaly(keyed[1]))
        )


class Occurrences(beam.CombineFn):
    """Combines `(split, id)` into counts and the first ids of each split, in the order of ids, in memory that does not grow."""

    def create_accumulator(self) -> Occurrence:  # noqa: D102
        return {split: (0, []) for split in SPLITS}

    def add_input(self, found: Occurrence, place: tuple[str, str]) -> Occurrence:  # noqa: D102
        split, id = place
        count, ids = found[split]
        return found | {split: (count + 1, heapq.nsmallest(LISTED_IDS, [*ids, id]))}

    def merge_accumulators(self, many: Iterable[Occurrence]) -> Occurrence:  # noqa: D102
        many = list(many)
        return {
            split: (sum(found[split][0] for found in many), heapq.nsmallest(LISTED_IDS, [id for found in many for id in found[split][1]]))
            for split in SPLITS
        }

    def extract_output(self, found: Occurrence) -> Occurrence:  # noqa: D102
        return found


def _digests(shard: tuple[str, str], known: Container[bytes] | None = None) -> Iterator[tuple[bytes, tuple[str, str]]]:
    """Yields `(digest of the stored image, (split, id))` for every example, or for those whose digest is `known`."""
    split, path = shard
    for example in read_shard(path):
        digest = hashlib.sha256(example["image"]).digest()
        if known is None or digest in known:
            yield digest, (split, example["id"])


def _anomaly(found: Occurrence) -> Iterator[dict[str, Any]]:
    if all(count for count, _ in found.values()):
        train, validation = (_listed(*found[split]) for split in SPLITS)
        message = f"The same picture is in train ({train}) and in validation ({validation})."
        yield {"kind": "same_picture", "message": message, **{split: ids for split, (_, ids) in found.items()}}


def _listed(count: int, ids: list[str]) -> str:
    return ", ".join(ids) + (f" and {count - len(ids):,} more" if count > len(ids) else "")
