"""Step 3: looks for what is suspicious in the examples; it is reported, and nothing is dropped."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from etils import epath

from zfnet.components.artifacts import Anomalies, Examples, Input, Output, Setting, Statistics

FEW_EXAMPLES = 10  # of a class for training; fewer make it tiny


def validate_examples(
    examples: Input[Examples],
    statistics: Input[Statistics],
    anomalies: Output[Anomalies],
    *,
    runner: Setting[str],
    beam_options: Setting[tuple[str, ...]],
) -> None:
    """Reports classes without or with few examples, labels that name no class, and pictures that are in training and validation.

    Writes `anomalies.json`, a list of `{"kind", "message", ...}`: `empty_class`, `missing_from_split` and `tiny_class` (with `class`, and
    `split` or `examples`), `label_out_of_range` (`split`, `examples`) and `same_picture` (`train`, `validation`: the ids of the examples
    whose stored image is the same byte for byte).

    Args:
        examples: what ExampleGen wrote.
        statistics: what StatisticsGen wrote for these examples.
        anomalies: where to.
        runner: name of the Beam runner.
        beam_options: further options for Beam.
    """
    import apache_beam as beam

    from zfnet.components.data.beam_pipeline import open_pipeline

    counts = statistics.read_json("statistics.json")["classes"]
    found = [*_class_anomalies(examples.labels, counts), *_label_anomalies(examples, counts)]
    anomalies.path.mkdir(parents=True, exist_ok=True)
    shards = [(split, path) for split in counts for path in examples.shards(split)]
    with open_pipeline(runner, beam_options) as pipeline:
        _ = (
            pipeline
            | beam.Create(shards)
            | beam.Reshuffle()
            | "Digest" >> beam.FlatMap(_digests)
            | beam.GroupByKey()
            | "InBoth" >> beam.FlatMap(_in_both_splits)
            | beam.combiners.ToList()
            | "Write" >> beam.Map(_write, found, str(anomalies.path / "anomalies.json"))
        )


def _class_anomalies(labels: list[str], counts: dict[str, list[int]]) -> Iterator[dict[str, Any]]:
    for name, train, validation in zip(labels, counts["train"], counts["validation"], strict=True):
        if not train and not validation:
            yield {"kind": "empty_class", "message": f"The class {name} has no examples.", "class": name}
            continue
        for split, examples in (("train", train), ("validation", validation)):
            if not examples:
                message = f"The class {name} has no examples in {split}."
                yield {"kind": "missing_from_split", "message": message, "class": name, "split": split}
        if 0 < train < FEW_EXAMPLES:
            message = f"The class {name} has only {train} examples for training."
            yield {"kind": "tiny_class", "message": message, "class": name, "examples": train}


def _label_anomalies(examples: Examples, counts: dict[str, list[int]]) -> Iterator[dict[str, Any]]:
    for split, per_class in counts.items():
        others = examples.count(split) - sum(per_class)
        if others:
            message = f"{others} examples in {split} have a label outside 0 to {len(per_class) - 1}."
            yield {"kind": "label_out_of_range", "message": message, "split": split, "examples": others}


def _digests(shard: tuple[str, str]) -> Iterator[tuple[bytes, tuple[str, str]]]:
    """Yields `(digest of the stored image, (split, id))` for every example."""
    from zfnet.components.data.shard import read_shard

    split, path = shard
    for example in read_shard(path):
        yield hashlib.sha256(example["image"]).digest(), (split, example["id"])


def _in_both_splits(group: tuple[bytes, Iterable[tuple[str, str]]]) -> Iterator[dict[str, Any]]:
    where = sorted(group[1])
    ids = {split: [id for found, id in where if found == split] for split in ("train", "validation")}
    if all(ids.values()):
        message = f"The same picture is in train ({', '.join(ids['train'])}) and in validation ({', '.join(ids['validation'])})."
        yield {"kind": "same_picture", "message": message, **ids}


def _write(same: list[dict[str, Any]], others: list[dict[str, Any]], path: str) -> None:
    listed = [*others, *sorted(same, key=lambda anomaly: anomaly["train"])]
    epath.Path(path).write_text(json.dumps(listed, indent=1, ensure_ascii=False))
