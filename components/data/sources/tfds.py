"""Data sets of TFDS as a source."""

import dataclasses
import functools
import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.data.sources.shard_plan import ShardKey, shard_numbers
from zfnet.components.data.sources.source import Source, SourcePhotograph, class_name
from zfnet.components.data.sources.split_names import held_out_role
from zfnet.components.data.sources.tfds_builder import find_builder, image_and_label, one_line, prepare, published_counts

if TYPE_CHECKING:
    import apache_beam as beam

HELD_OUT_PART = 5  # one fifth


@dataclasses.dataclass(frozen=True)
class TfdsRange:
    """The examples from `start` to before `stop` of a split of a prepared data set, and the names of its features to read."""

    directory: str
    split: str
    start: int
    stop: int
    image: str
    label: str


class TfdsSource(Source):
    """A data set of TensorFlow Datasets with an image and a class, by TFDS's name, with configuration and version if wanted.

    Its `train` split is for training; its `validation` split for validation, else `test`, else the last fifth of the training examples.
    Other splits follow an `@`, in TFDS's own words: `NAME@TRAIN` or `NAME@TRAIN,VALIDATION`, such as
    `imagenette/320px-v2:1.0.0@train[:10%],train[90%:]`. `download_dir` is as in `open_source`.

    Raises:
        ValueError: there is no such data set, or it has no image or no class.
    """

    def __init__(self, data: str, download_dir: str | os.PathLike) -> None:
        name, _, splits = data.partition("@")
        self._train, _, self._validation = splits.partition(",")
        self._builder = find_builder(name, os.environ.get("TFDS_DATA_DIR") or os.fspath(download_dir))
        super().__init__(data, data, os.fspath(self._builder.data_dir))
        self._image, self._label = image_and_label(self._builder)

    @property
    def labels(self) -> list[str]:
        """The names of the classes, or their numbers if they have no names."""
        label = self._builder.info.features[self._label]
        return [class_name(label.int2str(number)) for number in range(label.num_classes)]

    @property
    def published(self) -> dict[str, int] | None:
        """The published numbers, if the data set is known and taken whole."""
        known = published_counts(self._builder.name, getattr(self._builder.builder_config, "name", None))
        if known is None or self._train:
            return None
        held_out = held_out_role(known)
        part = known[held_out] if held_out else known["train"] // HELD_OUT_PART
        return {"train": known["train"] - (0 if held_out else part), "validation": part}

    def fingerprint(self) -> str:
        """Name, configuration, version and splits."""
        return f"tfds:{self._builder.info.full_name}" + "".join(f"@{split}" for split in (self._train, self._validation) if split)

    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[ShardKey, list[TfdsRange]]]":
        """Divides the data set in TFDS's order."""
        import apache_beam as beam

        splits = self.split_ranges()
        counts = {split: length(ranges) for split, ranges in splits.items()}
        shards = []
        for split, number in shard_numbers(counts, num_shards).items():
            PROGRESS.expect(counts[split])
            edges = [counts[split] * index // number for index in range(number + 1)]
            for index, (start, stop) in enumerate(itertools.pairwise(edges)):
                shards.append(((split, index, number), part_of(splits[split], start, stop)))
        return pipeline | beam.Create(shards) | beam.Reshuffle()

    def split_ranges(self) -> dict[str, list[TfdsRange]]:
        """The examples of our splits in the data set, which is prepared first if necessary."""
        prepare(self._builder)
        counts = {split: info.num_examples for split, info in self._builder.info.splits.items()}
        if not self._train and "train" not in counts:
            expected = f"expected one called train; or name those to use, as in {self.data}@TRAIN,VALIDATION"
            raise ValueError(f"The TFDS data set {self._builder.name} has the splits {', '.join(counts)}: {expected}.")
        train = self._ranges(self._train or "train", counts)
        held_out = self._validation or held_out_role(counts)
        if held_out is None:
            boundary = length(train) - length(train) // HELD_OUT_PART
            return {"train": part_of(train, 0, boundary), "validation": part_of(train, boundary, length(train))}
        validation = self._ranges(held_out, counts)
        for one, other in itertools.product(train, validation):
            if one.split == other.split and max(one.start, other.start) < min(one.stop, other.stop):
                raise ValueError(
                    f"The splits of {self.data} share examples of {one.split}: expected other ones for validation than for training, as in "
                    f"{self._builder.name}@train[:80%],train[80%:]."
                )
        return {"train": train, "validation": validation}

    def _ranges(self, split: str, counts: dict[str, int]) -> list[TfdsRange]:
        """The examples that a split names in TFDS's words, such as `train[:10%]+test`."""
        import tensorflow_datasets as tfds

        try:
            parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(self._builder.info.splits)
        except Exception as error:  # TFDS raises errors of any kind for words that it does not know
            known = f"there are {', '.join(counts)}, and parts of them such as train[:10%]"
            raise ValueError(f"TFDS does not know the split {split!r} of {self._builder.name} ({one_line(error)}): {known}.") from error
        ends = [(part.splitname, part.from_ or 0, counts[part.splitname] if part.to is None else part.to) for part in parts]
        ranges = [TfdsRange(self.location, *end, self._image, self._label) for end in ends if end[1] < end[2]]
        if not ranges:
            raise ValueError(f"The split {split!r} of {self._builder.name} has no examples.")
        return ranges

    @staticmethod
    def read(references: list[TfdsRange]) -> Iterator[SourcePhotograph]:
        """Yields the records of the ranges. Those of `photo_patches` keep their own id, photograph and box; TFDS names the others."""
        import tensorflow_datasets as tfds

        for part in references:
            builder = tfds.builder_from_directory(part.directory)
            own = {"id", "photograph", "box"} <= builder.info.features.keys()
            wanted = {part.image, part.label} | ({"id", "photograph", "box"} if own else set())
            examples = builder.as_dataset(
                split=tfds.core.ReadInstruction(part.split, from_=part.start, to=part.stop, unit="abs"),
                decoders=tfds.decode.PartialDecoding(wanted, decoders={part.image: tfds.decode.SkipDecoding()}),
                read_config=tfds.ReadConfig(add_tfds_id=True, interleave_cycle_length=1, try_autocache=False),
            )
            for example in examples.as_numpy_iterator():
                yield SourcePhotograph(
                    id=example["id" if own else "tfds_id"].decode(),
                    label=int(example[part.label]),
                    origin=builder.info.full_name,
                    read=functools.partial(bytes, example[part.image]),
                    photograph=example["photograph"].decode() if own else None,
                    box=tuple(example["box"].tolist()) if own else None,
                )


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
