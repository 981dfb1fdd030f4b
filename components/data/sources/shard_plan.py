"""Assigns each photograph to a split, a shard and a place in it: the same for any runner and any order of files."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from zfnet.components.data.photograph_progress import PROGRESS

if TYPE_CHECKING:
    import apache_beam as beam

SPLITS = ("train", "validation")
EXAMPLES_PER_SHARD = 1000  # about 45 MB of 256 px photographs: enough files for many workers, none of them tiny
ShardKey = tuple[str, int, int]  # split, index, number of the split's shards
# A photograph's id, its label, and what `read` needs to find it: the path of its file, in bytes, since a file's name need not be text.
PhotographFile = tuple[str, int, bytes]
HELD_OUT_SHARE = 0.2


def shard_numbers(counts: dict[str, int], num_shards: int | None) -> dict[str, int]:
    """The number of files of each split, at least one; `counts` are the photographs in each split, none in one that is missing.

    The training split has `num_shards` files, at most one for each photograph; those of the validation split are about as large. If it is
    None, each file has about `EXAMPLES_PER_SHARD` photographs.

    Examples:
        >>> shard_numbers({"train": 9000, "validation": 1000}, None)
        {'train': 9, 'validation': 1}
    """
    per_shard = EXAMPLES_PER_SHARD if num_shards is None else max(1, counts.get("train", 0) / num_shards)
    return {split: max(1, round(counts.get(split, 0) / per_shard)) for split in SPLITS}


def plan_shards(
    files: "beam.PCollection[tuple[str, list[PhotographFile]]]", num_shards: int | None
) -> "beam.PCollection[tuple[ShardKey, list[PhotographFile]]]":
    """Groups files by shard; the digest of a photograph's id decides its shard and its place in it.

    `files` are `(split, files)` for the photographs of every class; `num_shards` is as in `shard_numbers`. The result has one element
    `((split, index, number of shards), files in order)` for every shard of both splits.

    Paths are grouped rather than photographs, and those of one shard are packed together, of as many classes as a worker has at once, since
    a runner takes much more memory for an element than the element has bytes.
    """
    import apache_beam as beam

    from zfnet.components.data.beam.pack_by_key import PackByKey, pack

    packed = files | "Pack" >> beam.MapTuple(lambda split, listed: (split, len(listed), pack(listed)))
    counts = beam.pvalue.AsDict(packed | "Count" >> beam.MapTuple(lambda split, count, _: (split, count)) | beam.CombinePerKey(sum))
    placed = packed | "Place" >> beam.ParDo(PackByKey(_placed), counts, num_shards)
    every = files.pipeline | "Once" >> beam.Create([None]) | "EveryShard" >> beam.FlatMap(_every_shard, counts, num_shards)
    return (placed, every) | beam.Flatten() | beam.GroupByKey() | "Order" >> beam.MapTuple(_order)


def _placed(files: tuple[str, int, bytes], counts: dict[str, int], num_shards: int | None) -> Iterator[tuple[ShardKey, PhotographFile]]:
    """Keys photographs by their shard; by other bytes of the digest than those that `hold_out` uses."""
    from zfnet.components.data.beam.pack_by_key import unpack

    split, count, packed = files
    number = shard_numbers(counts, num_shards)[split]
    PROGRESS.expect(count)
    for file in unpack(packed):
        yield (split, int.from_bytes(digest(file[0])[8:16]) * number >> 64, number), file


def _every_shard(_: None, counts: dict[str, int], num_shards: int | None) -> Iterator[tuple[ShardKey, bytes]]:
    """Yields every shard's key, so that a shard without photographs is written too."""
    from zfnet.components.data.beam.pack_by_key import pack

    for split, number in shard_numbers(counts, num_shards).items():
        for index in range(number):
            yield (split, index, number), pack([])


def _order(key: ShardKey, parts: Iterable[bytes]) -> tuple[ShardKey, list]:
    from zfnet.components.data.beam.pack_by_key import unpack

    return key, sorted((file for part in parts for file in unpack(part)), key=lambda file: digest(file[0])[8:])


def digest(id: str) -> bytes:
    """SHA-256 of a photograph's id: the first eight bytes decide its split, the next its shard and place."""
    return hashlib.sha256(id.encode()).digest()


def hold_out(ids: Iterable[str]) -> set[str]:
    """Chooses about a fifth of a class's photographs for validation, by their ids alone, so that the choice is the same everywhere.

    At least one photograph, and not all, of a class that has two. A photograph that is added or removed moves no other one, except in a
    class so small that a split would lose its last one.

    Examples:
        >>> hold_out(["cat/1.jpg", "cat/2.jpg", "cat/3.jpg"])
        {'cat/3.jpg'}
    """
    ranked = sorted(ids, key=digest)
    share = sum(int.from_bytes(digest(id)[:8]) < HELD_OUT_SHARE * 2**64 for id in ranked)
    return set(ranked[: max(0, min(max(share, 1), len(ranked) - 1))])


def split_files(split: str, files: dict[str, PhotographFile]) -> Iterator[tuple[str, list[PhotographFile]]]:
    """Yields `(split, files)` for each split of one class's photographs; a split that has none may be left out.

    `files` are those of the photographs, by id. `split` is that of all of them; "" if `hold_out` decides.
    """
    if split:
        yield split, list(files.values())
        return
    held_out = hold_out(files)
    for name, held in (("train", False), ("validation", True)):
        if part := [file for id, file in files.items() if (id in held_out) == held]:
            yield name, part
