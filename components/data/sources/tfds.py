"""Data sets of TFDS as a source: their splits, ranges of splits, and published counts."""

import contextlib
import dataclasses
import difflib
import functools
import itertools
import os
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etils import epath

from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.data.sources.shard_plan import ShardKey, shard_numbers
from zfnet.components.data.sources.source import Source, SourcePhotograph, class_name

if TYPE_CHECKING:
    import apache_beam as beam
    import tensorflow_datasets as tfds


HELD_OUT = ("validation", "test")
HELD_OUT_PART = 5  # one fifth
COUNTS = {
    "beans": {"train": 1_034, "validation": 133, "test": 128},
    "cats_vs_dogs": {"train": 23_262},
    "cifar10": {"train": 50_000, "test": 10_000},
    "cifar100": {"train": 50_000, "test": 10_000},
    "food101": {"train": 75_750, "validation": 25_250},
    "imagenet2012": {"train": 1_281_167, "validation": 50_000},
    "oxford_flowers102": {"train": 1_020, "validation": 1_020, "test": 6_149},
    "oxford_iiit_pet": {"train": 3_680, "test": 3_669},
    "photo_patches": {"train": 3_000, "validation": 750},
    "stanford_dogs": {"train": 12_000, "test": 8_580},
    "tf_flowers": {"train": 3_670},
}
IMAGENETTE_V2 = {"train": 9_469, "validation": 3_925}


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


class TfdsSource(Source):
    """A data set of TensorFlow Datasets with an image and a class.

    Its `train` split is for training; for validation serves `validation`, else `test`, else the last fifth of what is for training.
    Other splits are named behind an `@`, in TFDS's own words: `NAME@TRAIN` or `NAME@TRAIN,VALIDATION`.

    Args:
        data: its name as TFDS knows it, with a configuration, a version and splits if wanted: `imagenette/320px-v2:1.0.0@train[:10%]`.
        download_dir: where TFDS prepares it, unless the environment names another place by `TFDS_DATA_DIR`.

    Raises:
        ValueError: there is no such data set, or it has no image or no class.

    Examples:
        TfdsSource("caltech101@train+test[:50%],test[50%:]", "zfnet_run/tfds")
    """

    def __init__(self, data: str, download_dir: epath.PathLike) -> None:
        super().__init__(data, data)
        name, _, splits = data.partition("@")
        self._train, _, self._validation = splits.partition(",")
        self._builder = _find_builder(name, os.environ.get("TFDS_DATA_DIR") or os.fspath(download_dir))
        self._image, self._label = _image_and_label(self._builder)

    @property
    def labels(self) -> list[str]:
        """The names of the classes, or their numbers where they have no names."""
        label = self._builder.info.features[self._label]
        return [class_name(label.int2str(number)) for number in range(label.num_classes)]

    @property
    def location(self) -> str:
        """TFDS's directory of the data set."""
        return os.fspath(self._builder.data_dir)

    @property
    def published(self) -> dict[str, int] | None:
        """What is known of the data set, where it is taken whole."""
        known = published_counts(self._builder.name, getattr(self._builder.builder_config, "name", None))
        if known is None or self._train:
            return None
        held_out = next((split for split in HELD_OUT if split in known), None)
        part = known[held_out] if held_out else known["train"] // HELD_OUT_PART
        return {"train": known["train"] - (0 if held_out else part), "validation": part}

    def fingerprint(self) -> str:
        """Name, configuration, version and splits."""
        return f"tfds:{self._builder.info.full_name}" + "".join(f"@{split}" for split in (self._train, self._validation) if split)

    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[ShardKey, list[TfdsRange]]]":
        """Ranges of the prepared data set, in TFDS's order; prepares it first, if it is not yet."""
        import apache_beam as beam

        splits = self._split_ranges()
        numbers = shard_numbers({split: length(ranges) for split, ranges in splits.items()}, num_shards)
        shards = []
        for split, ranges in splits.items():
            whole = length(ranges)
            PROGRESS.expect(whole)
            edges = [whole * index // numbers[split] for index in range(numbers[split] + 1)]
            for index, (start, stop) in enumerate(itertools.pairwise(edges)):
                shards.append(((split, index, numbers[split]), part_of(ranges, start, stop)))
        return pipeline | beam.Create(shards) | beam.Reshuffle()

    def _split_ranges(self) -> dict[str, list[TfdsRange]]:
        """What each of our splits is in the prepared data set."""
        import requests  # which TFDS downloads by

        with contextlib.redirect_stdout(sys.stderr):
            try:
                self._builder.download_and_prepare()
            except requests.RequestException as error:
                reason = getattr(error.args[0] if error.args else None, "reason", error)  # of the last of many attempts
                host = urllib.parse.urlsplit(error.request.url).hostname if error.request else "its source"
                raise ValueError(
                    f"TFDS cannot download {self._builder.name} from {host} ({' '.join(str(reason).split())}). When that is mended, the "
                    "same command tries again."
                ) from error
            except Exception as error:  # no space, files to be fetched by hand, a source that moved, ...
                raise ValueError(f"TFDS cannot prepare {self._builder.name}: {' '.join(str(error).split())}") from error
        counts = {split: info.num_examples for split, info in self._builder.info.splits.items()}
        if not self._train and "train" not in counts:
            raise ValueError(
                f"The TFDS data set {self._builder.name} has the splits {', '.join(counts)}: expected one called train; or "
                f"name those to use, as in {self.data}@TRAIN,VALIDATION."
            )
        train = self._ranges(self._train or "train", counts)
        held_out = self._validation or next((split for split in HELD_OUT if split in counts), None)
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
        except Exception as error:  # TFDS raises what it happens to meet for words that it does not know
            raise ValueError(
                f"TFDS does not know the split {split!r} of {self._builder.name} ({' '.join(str(error).split())}): there are "
                f"{', '.join(counts)}, and parts of them such as train[:10%]."
            ) from error
        ends = [(part.splitname, part.from_ or 0, counts[part.splitname] if part.to is None else part.to) for part in parts]
        ranges = [TfdsRange(os.fspath(self._builder.data_dir), *end, self._image, self._label) for end in ends if end[1] < end[2]]
        if not ranges:
            raise ValueError(f"The split {split!r} of {self._builder.name} has no examples.")
        return ranges

    @staticmethod
    def read(references: list[TfdsRange]) -> Iterator[SourcePhotograph]:
        """Yields the photographs of some ranges, undecoded."""
        return read_ranges(references)


def _find_builder(data: str, directory: str) -> "tfds.core.DatasetBuilder":
    import tensorflow_datasets as tfds

    name = data.split("/")[0].split(":")[0]
    known = tfds.list_builders(with_community_datasets=False)
    if name not in known and not (epath.Path(directory) / name).exists():
        near = ", ".join(difflib.get_close_matches(name, known))
        raise ValueError(
            f"DATA {data!r} is neither a folder here nor a TFDS data set{f' (near names: {near})' if near else ''}: give "
            "photo_patches, a TFDS name, a folder with one folder of photographs for each class, or a directory of prepared examples."
        )
    try:
        return tfds.builder(data, data_dir=directory)
    except Exception as error:  # TFDS raises what it happens to meet for a wrong configuration, version or spelling
        configurations = ", ".join(getattr(tfds.builder_cls(name), "builder_configs", {})) if name in known else ""
        raise ValueError(
            f"TFDS cannot open {data!r} ({' '.join(str(error).split())})"
            + (f": {name} has the configurations {configurations}." if configurations else ".")
        ) from error


def _image_and_label(builder: "tfds.core.DatasetBuilder") -> tuple[str, str]:
    """The names of the features that are the photograph and the class: the supervised ones, else the only ones."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    supervised = builder.info.supervised_keys or ()
    found = []
    for kind, what in ((tfds.features.Image, "an image"), (tfds.features.ClassLabel, "a class")):
        keys = [key for key, feature in features.items() if isinstance(feature, kind)]
        keys = [key for key in keys if key in supervised] or keys
        if len(keys) != 1:
            raise ValueError(f"The TFDS data set {builder.name} has {len(keys)} features that are {what}: expected one.")
        found += keys
    return found[0], found[1]


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


def published_counts(name: str, config: str | None) -> dict[str, int] | None:
    """The numbers of examples that a data set of TFDS is published with.

    They are those of the TFDS catalogue, whose pages list the examples of every split; for `photo_patches` those that this package cuts.

    Args:
        name: its name.
        config: its configuration; None if it has none.

    Returns:
        The number for each of TFDS's splits, or None for a data set that is not known here.

    Examples:
        published_counts("imagenet2012", None)  # {"train": 1281167, "validation": 50000}
    """
    if name == "imagenette":
        return IMAGENETTE_V2 if config and config.endswith("-v2") else None  # the first version was divided otherwise
    return COUNTS.get(name)
