"""The work of a Beam worker: packs references to photographs by the shard that each belongs to."""

import collections
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows

from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.data.sources.shard_plan import PhotographFile, ShardKey, digest, pack, shard_numbers, unpack

TOGETHER = 100_000  # photographs, about 30 MB of references


class PlaceFiles(beam.DoFn):
    """Keys photographs by their shard; by other bytes of the digest than those that `hold_out` uses.

    The elements are `(split, number of files, files packed)`, one for each class; those of many classes are packed together, since a
    class that has fewer photographs than there are shards would have an element for each photograph.
    """

    def start_bundle(self) -> None:
        """Begins with none."""
        self._shards: dict[ShardKey, list[PhotographFile]] = collections.defaultdict(list)
        self._waiting = 0

    def process(self, files: tuple[str, int, bytes], counts: dict[str, int], num_shards: int | None) -> Iterator[tuple[ShardKey, bytes]]:
        """Yields shards and packed files, once enough of them wait; `counts` and `num_shards` are as in `shard_numbers`."""
        split, count, packed = files
        number = shard_numbers(counts, num_shards)[split]
        PROGRESS.expect(count)
        for file in unpack(packed):
            self._shards[split, int.from_bytes(digest(file[0])[8:16]) * number >> 64, number].append(file)
        self._waiting += count
        if self._waiting >= TOGETHER:
            yield from self._packed()

    def finish_bundle(self) -> Iterator[Any]:
        """Yields the others."""
        yield from map(GlobalWindows.windowed_value, self._packed())

    def _packed(self) -> Iterator[tuple[ShardKey, bytes]]:
        for key, files in self._shards.items():
            yield key, pack(files)
        self.start_bundle()
