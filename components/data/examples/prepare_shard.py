"""The work of a Beam worker: reads the photographs of one shard, cuts them and writes them, several at a time."""

import functools
import io
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apache_beam as beam
from PIL import Image

from zfnet.components.data.examples.shard import shard_name, write_shard
from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.data.sources.shard_plan import ShardKey
from zfnet.components.data.sources.source import SourcePhotograph
from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph
from zfnet.model.ahead import map_ahead

CORES = os.cpu_count() or 1
# Waiting for a remote file takes many times as long as decoding it; for local files, more threads than cores slow each other down.
REMOTE_READERS = max(16, CORES)
_decoders = threading.BoundedSemaphore(CORES)  # bounds the memory of large photographs that are decoded at a time


class PrepareShard(beam.DoFn):
    """Writes one shard of examples into `directory`, and reports it.

    `read` is `Source.read`, `name` is the prefix of the shards' names, `labels` are the names of the classes, and `side` is that of every
    stored image, in pixels. If `remote`, each photograph has to be fetched from a remote storage.
    """

    def __init__(
        self, read: Callable[[Any], Iterator[SourcePhotograph]], directory: str, name: str, labels: list[str], side: int, remote: bool
    ) -> None:
        self._read, self._labels, self._side = read, labels, side
        self._directory, self._name = directory, name
        self._threads = REMOTE_READERS if remote else CORES
        self._prepared = beam.metrics.Metrics.counter("zfnet", "photographs_prepared")
        self._rejected = beam.metrics.Metrics.counter("zfnet", "photographs_rejected")

    def process(self, planned: tuple[ShardKey, Any]) -> Iterator[dict]:
        """Yields `{"split", "shard", "labels", "rejected"}` for one shard.

        `labels` are those of its examples, as the bits of a whole number, see `bit_places`, and `rejected` lists id, reason and source of
        unreadable photographs.
        """
        (split, index, number), references = planned
        labels: set[int] = set()
        rejected: list[dict] = []
        path = f"{self._directory}/{shard_name(self._name, split, index, number)}"
        shard = write_shard(path, self._examples(references, labels, rejected))
        bits = sum(1 << label for label in labels if label >= 0)
        yield {"split": split, "shard": shard._asdict(), "labels": bits, "rejected": rejected}

    def _examples(self, references: Any, labels: set[int], rejected: list[dict]) -> Iterator[dict]:
        prepare = functools.partial(_prepare, side=self._side)
        # Twice as many as threads, so that none waits while a record is written.
        for example in map_ahead(_pool(self._threads), prepare, self._read(references), 2 * self._threads):
            PROGRESS.advance(1)
            if "reason" in example:
                self._rejected.inc()
                rejected.append(example)
            else:
                self._prepared.inc()
                label = example["label"]
                labels.add(label)
                yield example | {"class_name": self._labels[label] if 0 <= label < len(self._labels) else ""}


@functools.lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """The threads for all shards of a process, so that its last shard has every core."""
    return ThreadPoolExecutor(threads, thread_name_prefix="prepare")


def _prepare(photograph: SourcePhotograph, side: int) -> dict:
    """The example without its class's name, or id, reason and source of an unreadable photograph."""
    try:
        encoded = photograph.read()
        with _decoders:
            image, box = prepare_photograph(encoded, side)
    except UnreadablePhotograph as error:
        return {"id": photograph.id, "reason": str(error), "source": photograph.origin}
    if photograph.box is not None:
        box = compose(photograph.box, box, encoded)
    return {
        "image": image,
        "label": photograph.label,
        "id": photograph.id,
        "photograph": photograph.photograph or photograph.id,
        "box": box,
    }


def bit_places(number: int) -> list[int]:
    """Places of the bits of a whole number that are 1, rising: so a set of labels takes a bit for each class.

    Examples:
        >>> bit_places(1 << 2 | 1 << 5)
        [2, 5]
    """
    return [place for place, bit in enumerate(reversed(f"{number:b}")) if bit == "1"]


def compose(outer: tuple[int, ...], inner: tuple[int, ...], encoded: bytes) -> tuple[int, ...]:
    """The place, in pixels of a photograph, of the box `inner` in an encoded image that was itself cut at `outer`, and maybe scaled.

    All boxes are top, left, bottom, right; `inner` is in pixels of the image.
    """
    with Image.open(io.BytesIO(encoded)) as image:
        width, height = image.size
    top, left, bottom, right = outer
    down, across = (bottom - top) / height, (right - left) / width
    return round(top + inner[0] * down), round(left + inner[1] * across), round(top + inner[2] * down), round(left + inner[3] * across)
