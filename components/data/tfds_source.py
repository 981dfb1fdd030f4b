"""DATA that is the name of a TFDS data set."""

import contextlib
import difflib
import itertools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etils import epath

from zfnet.components.data.source import Source, SourcePhotograph, shard_numbers

if TYPE_CHECKING:
    import apache_beam as beam
    import tensorflow_datasets as tfds


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

    Its `train` split is for training; for validation serves `validation`, else `test`, else the last fifth of `train`.

    Args:
        data: its name as TFDS knows it, with a configuration and version if wanted: `imagenette/320px-v2:1.0.0`.
        download_dir: where TFDS prepares it, unless the environment names another place by `TFDS_DATA_DIR`.

    Raises:
        ValueError: there is no such data set, or it has no image or no class.
    """

    def __init__(self, data: str, download_dir: epath.PathLike):
        super().__init__(data, data)
        self._builder = _find_builder(data, os.environ.get("TFDS_DATA_DIR") or os.fspath(download_dir))
        self._image, self._label = _image_and_label(self._builder)

    @property
    def labels(self) -> list[str]:
        """The names of the classes, or their numbers where they have no names."""
        label = self._builder.info.features[self._label]
        return [label.int2str(number) for number in range(label.num_classes)]

    def fingerprint(self) -> str:
        """Name, configuration and version."""
        return f"tfds:{self._builder.info.full_name}"

    def plan(self, pipeline: "beam.Pipeline", num_shards: int | None) -> "beam.PCollection[tuple[tuple[str, int, int], TfdsRange]]":
        """Ranges of the prepared data set, in TFDS's order; prepares it first, if it is not yet."""
        import apache_beam as beam

        ranges = self._split_ranges()
        numbers = shard_numbers({split: whole.stop - whole.start for split, whole in ranges.items()}, num_shards)
        shards = []
        for split, whole in ranges.items():
            edges = [whole.start + (whole.stop - whole.start) * index // numbers[split] for index in range(numbers[split] + 1)]
            for index, (start, stop) in enumerate(itertools.pairwise(edges)):
                part = TfdsRange(whole.directory, whole.split, start, stop, whole.image, whole.label)
                shards.append(((split, index, numbers[split]), part))
        return pipeline | beam.Create(shards) | beam.Reshuffle()

    def _split_ranges(self) -> dict[str, TfdsRange]:
        """What each of our splits is in the prepared data set."""
        with contextlib.redirect_stdout(sys.stderr):
            try:
                self._builder.download_and_prepare()
            except Exception as error:  # no network, no space, files to be fetched by hand, a source that moved, ...
                raise ValueError(f"TFDS cannot prepare {self.data}: {' '.join(str(error).split())}") from error
        counts = {split: info.num_examples for split, info in self._builder.info.splits.items()}
        if "train" not in counts:
            raise ValueError(f"The TFDS data set {self.data} has the splits {', '.join(counts)}: expected one called train.")

        def some(split: str, start: int, stop: int) -> TfdsRange:
            return TfdsRange(self._builder.data_dir, split, start, stop, self._image, self._label)

        for held_out in ("validation", "test"):
            if held_out in counts:
                return {"train": some("train", 0, counts["train"]), "validation": some(held_out, 0, counts[held_out])}
        boundary = counts["train"] - counts["train"] // 5
        return {"train": some("train", 0, boundary), "validation": some("train", boundary, counts["train"])}

    @staticmethod
    def read(references: TfdsRange) -> Iterator[SourcePhotograph]:
        """Yields the photographs of a range, undecoded.

        Records of `photo_patches`, which know their id, photograph and box, keep them; others are named as TFDS names them.
        """
        import tensorflow_datasets as tfds

        builder = tfds.builder_from_directory(references.directory)
        own = {"id", "photograph", "box"} <= builder.info.features.keys()
        wanted = {references.image, references.label} | ({"id", "photograph", "box"} if own else set())
        skip = {references.image: tfds.decode.SkipDecoding()}
        examples = builder.as_dataset(
            split=tfds.core.ReadInstruction(references.split, from_=references.start, to=references.stop, unit="abs"),
            decoders=tfds.decode.PartialDecoding(wanted, decoders=skip),
            read_config=tfds.ReadConfig(add_tfds_id=True, interleave_cycle_length=1, try_autocache=False),
        )
        for example in examples.as_numpy_iterator():
            encoded = example[references.image]
            yield SourcePhotograph(
                id=example["id" if own else "tfds_id"].decode(),
                label=int(example[references.label]),
                origin=builder.info.full_name,
                read=lambda encoded=encoded: encoded,
                photograph=example["photograph"].decode() if own else None,
                box=tuple(example["box"].tolist()) if own else None,
            )


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
