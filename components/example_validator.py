"""ExampleValidator: looks for anomalies in the examples, reports them, and stops a strict run."""

import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from zfnet.components.artifacts import Anomalies, Examples, Input, Output, Setting, Statistics
from zfnet.components.data.brightness import dark_classes
from zfnet.components.data.examples_summary import write_summaries
from zfnet.components.storage.files import atomic_file
from zfnet.components.storage.local_copy import synced_directory

if TYPE_CHECKING:
    from zfnet.components.data.copies.near_copies import NearCopy

FEW_EXAMPLES = 10  # A class with fewer training examples is tiny.
LISTED = 100  # anomalies of one kind; the others are counted
ENLARGED = 0.5  # share of training photographs


def validate_examples(
    examples: Input[Examples],
    statistics: Input[Statistics],
    anomalies: Output[Anomalies],
    *,
    runner: Setting[str],
    beam_options: Setting[tuple[str, ...]],
    tensorboard: Setting[str | None] = None,
) -> None:
    """Reports anomalies of classes, labels, counts, sizes and brightness, and copies of training images in validation.

    Writes `anomalies.json`, a list of `{"kind", "message", ...}`: `empty_class`, `missing_from_split` and `tiny_class` (with `class`, and
    `split` or `examples`), `label_out_of_range` (`split`, `examples`), `wrong_number_of_examples` of a well-known data set (`split`,
    `examples`, `published`), `enlarged` (most training photographs are smaller than the stored images; `enlarged`, their share, `median`
    of the shorter sides, `side`), `dark_class` (`class`, `mean` and `brightest` grey level), `same_picture` (`train`, `validation`: ids
    of the examples whose stored image is the same, see `DuplicateImages`) and `near_copy` (`train`, `validation`: an id each, `distance`,
    `correlation`, see `NearCopies`). The first near copies are drawn in `near_copies.png`, if there are any.

    The first `LISTED` of each kind are in the list; one more entry, of kind and message alone, counts the rest.

    `runner` and `beam_options` are those of `open_pipeline`; `tensorboard` is the directory for `write_summaries`, None for none.
    """
    import apache_beam as beam

    from zfnet.components.data.beam.pipeline import open_pipeline
    from zfnet.components.data.copies.near_copies import NearCopies
    from zfnet.components.data.copies.same_picture import DuplicateImages

    measured = statistics.read_json("statistics.json")
    counts = measured["classes"]
    found = [
        *_class_anomalies(examples.labels, counts),
        *_label_anomalies(examples, counts),
        *_number_anomalies(examples),
        *_size_anomalies(examples, measured["sizes"]["train"]),
        *_dark_classes(examples.labels, measured["brightness"]),
    ]
    others = []
    for kind in sorted({anomaly["kind"] for anomaly in found}):
        of_kind = [anomaly for anomaly in found if anomaly["kind"] == kind]
        others += _bounded(kind, of_kind, len(of_kind))
    anomalies.path.mkdir(parents=True, exist_ok=True)
    path = str(anomalies.path)
    with open_pipeline(runner, beam_options, path) as pipeline:
        shards = pipeline | beam.Create([(split, path) for split in counts for path in examples.shards(split)]) | beam.Reshuffle()
        same, near = shards | DuplicateImages(), shards | NearCopies()
        first = same | beam.combiners.Top.Smallest(LISTED, key=lambda anomaly: anomaly["train"])
        nearest = near | "Nearest" >> beam.combiners.Top.Smallest(LISTED)
        found_same, found_near = (
            (beam.pvalue.AsSingleton(listed), beam.pvalue.AsSingleton(all_found | f"Count{name}" >> beam.combiners.Count.Globally()))
            for name, listed, all_found in (("Same", first, same), ("Near", nearest, near))
        )
        _ = pipeline | "Once" >> beam.Create([path]) | "Write" >> beam.Map(_write, others, *found_same, *found_near)
    if tensorboard is not None:
        with synced_directory(tensorboard) as logs:
            write_summaries(logs, examples, measured, anomalies)


def _class_anomalies(labels: list[str], counts: dict[str, list[int]]) -> Iterator[dict]:
    for name, train, validation in zip(labels, counts["train"], counts["validation"], strict=True):
        if not train and not validation:
            yield {"kind": "empty_class", "message": f"The class {name} has no examples.", "class": name}
            continue
        for split, examples in (("train", train), ("validation", validation)):
            if not examples:
                message = f"The class {name} has no examples in {split}."
                yield {"kind": "missing_from_split", "message": message, "class": name, "split": split}
        if 0 < train < FEW_EXAMPLES:
            message = f"The class {name} has only {train} example{'s' if train > 1 else ''} for training."
            yield {"kind": "tiny_class", "message": message, "class": name, "examples": train}


def _label_anomalies(examples: Examples, counts: dict[str, list[int]]) -> Iterator[dict]:
    for split, per_class in counts.items():
        others = examples.count(split) - sum(per_class)
        if others:
            which = f"1 example in {split} has" if others == 1 else f"{others:,} examples in {split} have"
            message = f"{which} a label outside 0 to {len(per_class) - 1}."
            yield {"kind": "label_out_of_range", "message": message, "split": split, "examples": others}


def _number_anomalies(examples: Examples) -> Iterator[dict]:
    manifest = examples.read_json("manifest.json")
    for split, published in (manifest["published"] or {}).items():
        number = examples.count(split)
        if number != published:
            message = f"{number:,} examples in {split}, but {manifest['source']} has {published:,}"
            message += f" (photographs rejected in all splits: {manifest['rejected']:,})."
            yield {"kind": "wrong_number_of_examples", "message": message, "split": split, "examples": number, "published": published}


def _size_anomalies(examples: Examples, sizes: dict | None) -> Iterator[dict]:
    if sizes and sizes["enlarged"] > ENLARGED:
        side, median = examples.side, sizes["shorter_side"]["median"]
        fitting = max(1, median * 7 // 8)  # the images are stored with 8/7 of the network's input
        message = (
            f"{sizes['enlarged']:.0%} of the training photographs are enlarged: their shorter side is less than the {side} pixels that "
        )
        message += f"are stored (median {median}). Enlarging adds no detail. Use --image-size {fitting}, or larger photographs."
        yield {"kind": "enlarged", "message": message, "enlarged": sizes["enlarged"], "median": median, "side": side}


def _dark_classes(labels: list[str], brightness: list[dict | None]) -> Iterator[dict]:
    for label, usual in dark_classes(brightness).items():
        own = cast(dict, brightness[label])  # a class without images is not dark
        message = (
            f"The class {labels[label]} is dark: its mean grey level is {own['mean']:.0f} of 255 and its brightest {own['brightest']}; "
        )
        message += f"the medians of the other classes are {usual['mean']:.0f} and {usual['brightest']:.0f}. "
        message += "A net may learn the darkness instead of the objects. Look at the photographs of this class."
        yield {"kind": "dark_class", "message": message, "class": labels[label], **own}


def count_anomalies(anomalies: list[dict]) -> dict[str, int]:
    """Counts the anomalies of each kind, those that are not listed included; the kinds are in their order.

    Examples:
        >>> count_anomalies([{"kind": "near_copy", "message": ""}, {"kind": "near_copy", "message": "", "more": 150}])
        {'near_copy': 151}
    """
    counts: dict[str, int] = {}
    for anomaly in anomalies:
        counts[anomaly["kind"]] = counts.get(anomaly["kind"], 0) + anomaly.get("more", 1)
    return counts


def _bounded(kind: str, found: list[dict], number: int) -> list[dict]:
    """The first of `number` anomalies of one kind, and one that counts the others."""
    rest = {"kind": kind, "message": f"{number - LISTED:,} more anomalies of kind {kind} are not listed.", "more": number - LISTED}
    return found[:LISTED] + ([rest] if number > LISTED else [])


def _write(directory: str, others: list[dict], same: list[dict], number_same: int, near: list["NearCopy"], number_near: int) -> None:
    from zfnet.components.data.copies.near_copies import draw_near_copies

    copies = [copy.anomaly for copy in near]
    listed = [*others, *_bounded("same_picture", same, number_same), *_bounded("near_copy", copies, number_near)]
    if near:
        with atomic_file(str(Anomalies(directory).near_copies)) as file:
            file.write(draw_near_copies(near))
    with atomic_file(f"{directory}/anomalies.json") as file:
        file.write(json.dumps(listed, indent=1, ensure_ascii=False).encode())


def check_anomalies(anomalies: Input[Anomalies]) -> None:
    """Fails a strict run if ExampleValidator found anomalies.

    Raises:
        ValueError: there is an anomaly.
    """
    if found := anomalies.read_json("anomalies.json"):
        first, kept = textwrap.shorten(found[0]["message"], 200), anomalies.path / "anomalies.json"
        raise ValueError(f"{len(found)} anomalies, see {kept}. The first: {first} Without --strict, the run would only report them.")
