"""Which photograph goes into which shard, and where in it: the same whatever the runner and the order of files."""

import collections
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from zfnet.components.data.held_out import digest
from zfnet.components.data.photograph_progress import PROGRESS

if TYPE_CHECKING:
    import apache_beam as beam

    from zfnet.components.data.photograph_files import PhotographFile

SPLITS = ("train", "validation")
EXAMPLES_PER_SHARD = 1000  # about 45 MB of 256 px photographs: enough files for many workers, none of them tiny

ShardKey = tuple[str, int, int]  # split, index, number of the split's shards


def shard_numbers(counts: dict[str, int], num_shards: int | None) -> dict[str, int]:
    """How many files each split is written to.

    Args:
        counts: the number of photographs in `train` and in `validation`.
        num_shards: files of the training split, at most one for each photograph; those of the validation split are about as large.
            None: about `EXAMPLES_PER_SHARD` photographs in each.

    Returns:
        The number of files of each split, at least one.
    """
    per_shard = EXAMPLES_PER_SHARD if num_shards is None else max(1, counts["train"] / num_shards)
    return {split: max(1, round(count / per_shard)) for split, count in counts.items()}


def plan_shards(
    files: "beam.PCollection[tuple[str, list[PhotographFile]]]", num_shards: int | None
) -> "beam.PCollection[tuple[ShardKey, list[PhotographFile]]]":
    """Groups files by shard; a digest of its id gives a photograph its shard and its place in it.

    Only paths are grouped, never photographs, and those of one class that go to one shard are packed together, since a runner takes much
    more memory for an element than the element has bytes.

    Args:
        files: `(split, files)` for the photographs of every class.
        num_shards: files of the training split; None leaves it to the number of photographs.

    Returns:
        `((split, index, number of shards), files in order)` once for every shard of both splits.
    """
    import apache_beam as beam

    packed = files | "Pack" >> beam.MapTuple(lambda split, listed: (split, len(listed), _pack(listed)))
    counts = beam.pvalue.AsDict(packed | "Count" >> beam.MapTuple(lambda split, count, _: (split, count)) | beam.CombinePerKey(sum))
    placed = packed | "Place" >> beam.FlatMap(_place, counts, num_shards)
    every = files.pipeline | "Once" >> beam.Create([None]) | "EveryShard" >> beam.FlatMap(_every_shard, counts, num_shards)
    return (placed, every) | beam.Flatten() | beam.GroupByKey() | "Order" >> beam.MapTuple(_order)


def _pack(files: list) -> bytes:
    from apache_beam.coders import FastPrimitivesCoder

    return zlib.compress(FastPrimitivesCoder().encode(files), level=1)  # paths have much in common


def _unpack(packed: bytes) -> list:
    from apache_beam.coders import FastPrimitivesCoder

    return FastPrimitivesCoder().decode(zlib.decompress(packed))


def _numbers(counts: dict[str, int], num_shards: int | None) -> dict[str, int]:
    return shard_numbers({split: counts.get(split, 0) for split in SPLITS}, num_shards)


def _place(files: tuple[str, int, bytes], counts: dict[str, int], num_shards: int | None) -> Iterator[tuple[ShardKey, bytes]]:
    """Keys photographs by their shard, by other bytes of the digest than those that may have chosen the split."""
    split, count, packed = files
    number = _numbers(counts, num_shards)[split]
    PROGRESS.expect(count)
    shards = collections.defaultdict(list)
    for file in _unpack(packed):
        shards[int.from_bytes(digest(file[0])[8:16]) * number >> 64].append(file)
    for index, placed in shards.items():
        yield (split, index, number), _pack(placed)


def _every_shard(_: None, counts: dict[str, int], num_shards: int | None) -> Iterator[tuple[ShardKey, bytes]]:
    """Yields every shard's key, so that one to which no digest points is written too, empty."""
    for split, number in _numbers(counts, num_shards).items():
        for index in range(number):
            yield (split, index, number), _pack([])


def _order(key: ShardKey, parts: Iterable[bytes]) -> tuple[ShardKey, list]:
    return key, sorted((file for part in parts for file in _unpack(part)), key=lambda file: digest(file[0])[8:])
