"""A Beam transform that packs the items of many elements together by their key."""

import collections
import pickle
import zlib
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows

TOGETHER = 100_000  # items, about 30 MB of references to photographs


class PackByKey(beam.DoFn):
    """Yields `(key, packed items)`, see `pack`, for the items of as many elements as a worker has at once.

    A runner takes much more memory for an element than the element has bytes: elements that have few items of each key, such as classes of
    fewer photographs than there are shards, would become one element for each item.

    Args:
        keyed: yields key and item for each item of an element; it takes the element, and further arguments of `beam.ParDo`. A function of a
            module, which workers import.
    """

    def __init__(self, keyed: Callable[..., Iterator[tuple[Hashable, Any]]]) -> None:
        self._keyed = keyed

    def start_bundle(self) -> None:
        """Begins with no items."""
        self._items: dict[Hashable, list] = collections.defaultdict(list)
        self._waiting = 0

    def process(self, element: Any, *arguments: Any) -> Iterator[tuple[Hashable, bytes]]:
        """Yields the items that wait, once there are enough of them."""
        for key, item in self._keyed(element, *arguments):
            self._items[key].append(item)
            self._waiting += 1
        if self._waiting >= TOGETHER:
            yield from self._packed()

    def finish_bundle(self) -> Iterator[Any]:
        """Yields the others."""
        yield from map(GlobalWindows.windowed_value, self._packed())

    def _packed(self) -> Iterator[tuple[Hashable, bytes]]:
        for key, items in self._items.items():
            yield key, pack(items)
        self.start_bundle()


def pack(items: list) -> bytes:
    """Items as few bytes; paths have much in common.

    Examples:
        >>> unpack(pack(["cat/1.jpg", "cat/2.jpg"]))
        ['cat/1.jpg', 'cat/2.jpg']
    """
    return zlib.compress(pickle.dumps(items), level=1)


def unpack(packed: bytes) -> list:
    """The items that `pack` packed."""
    return pickle.loads(zlib.decompress(packed))
