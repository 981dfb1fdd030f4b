"""Ranges of a prepared TFDS data set: how a worker is told which examples to read, and how it reads them."""

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from zfnet.components.data.source import SourcePhotograph


@dataclass(frozen=True)
class TfdsRange:
    """Consecutive examples of a prepared TFDS data set.

    Args:
        directory: where it lies.
        split: TFDS's name of the split.
        start: first example.
        stop: example after the last.
        image: name of the feature that is the photograph.
        label: name of the feature that is the class.
    """

    directory: str
    split: str
    start: int
    stop: int
    image: str
    label: str


def length(ranges: list[TfdsRange]) -> int:
    """The number of examples in all of the ranges."""
    return sum(part.stop - part.start for part in ranges)


def part_of(ranges: list[TfdsRange], start: int, stop: int) -> list[TfdsRange]:
    """The examples `start` to `stop` of all that the ranges hold one after the other."""
    parts, passed = [], 0
    for whole in ranges:
        first, last = max(start - passed, 0), min(stop - passed, whole.stop - whole.start)
        if first < last:
            parts.append(dataclasses.replace(whole, start=whole.start + first, stop=whole.start + last))
        passed += whole.stop - whole.start
    return parts


def read_ranges(ranges: list[TfdsRange]) -> Iterator[SourcePhotograph]:
    """Yields the photographs of some ranges, undecoded.

    Records of `photo_patches`, which know their id, photograph and box, keep them; others are named as TFDS names them.
    """
    for part in ranges:
        yield from _read(part)


def _read(part: TfdsRange) -> Iterator[SourcePhotograph]:
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(part.directory)
    own = {"id", "photograph", "box"} <= builder.info.features.keys()
    wanted = {part.image, part.label} | ({"id", "photograph", "box"} if own else set())
    examples = builder.as_dataset(
        split=tfds.core.ReadInstruction(part.split, from_=part.start, to=part.stop, unit="abs"),
        decoders=tfds.decode.PartialDecoding(wanted, decoders={part.image: tfds.decode.SkipDecoding()}),
        read_config=tfds.ReadConfig(add_tfds_id=True, interleave_cycle_length=1, try_autocache=False),
    )
    for example in examples.as_numpy_iterator():
        encoded = example[part.image]
        yield SourcePhotograph(
            id=example["id" if own else "tfds_id"].decode(),
            label=int(example[part.label]),
            origin=builder.info.full_name,
            read=functools.partial(bytes, encoded),
            photograph=example["photograph"].decode() if own else None,
            box=tuple(example["box"].tolist()) if own else None,
        )
