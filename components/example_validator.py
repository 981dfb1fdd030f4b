"""ExampleValidator: looks for anomalies in the examples, reports them, and stops a strict run."""

import collections
import json
import textwrap
from collections.abc import Iterator

from etils import epath

from zfnet.components.artifacts import Anomalies, Examples, Input, Output, Setting, Statistics
from zfnet.components.pictures.markdown import escape_markdown
from zfnet.components.storage.files import atomic_file
from zfnet.components.storage.local_copy import synced_directory

FEW_EXAMPLES = 10  # A class with fewer training examples is tiny.
LISTED = 100  # anomalies of one kind; the others are counted
SHOWN = 20  # reasons for rejection; the others are counted together


def validate_examples(
    examples: Input[Examples],
    statistics: Input[Statistics],
    anomalies: Output[Anomalies],
    *,
    runner: Setting[str],
    beam_options: Setting[tuple[str, ...]],
    tensorboard: Setting[str | None] = None,
) -> None:
    """Reports anomalies of classes, labels and counts, and images that are in training and in validation.

    Writes `anomalies.json`, a list of `{"kind", "message", ...}`: `empty_class`, `missing_from_split` and `tiny_class` (with `class`, and
    `split` or `examples`), `label_out_of_range` (`split`, `examples`), `wrong_number_of_examples` of a well-known data set (`split`,
    `examples`, `published`) and `same_picture` (`train`, `validation`: ids of the examples whose stored image is the same, see
    `DuplicateImages`). The first `LISTED` of each kind are in the list; one more entry, of kind and message alone, counts the rest.

    `runner` and `beam_options` are those of `open_pipeline`; `tensorboard` is the directory for `write_summaries`, None for none.
    """
    import apache_beam as beam

    from zfnet.components.data.beam.pipeline import open_pipeline
    from zfnet.components.data.shard_transforms import DuplicateImages

    counts = statistics.read_json("statistics.json")["classes"]
    found = [*_class_anomalies(examples.labels, counts), *_label_anomalies(examples, counts), *_number_anomalies(examples)]
    others = []
    for kind in sorted({anomaly["kind"] for anomaly in found}):
        of_kind = [anomaly for anomaly in found if anomaly["kind"] == kind]
        others += _bounded(kind, of_kind, len(of_kind))
    anomalies.path.mkdir(parents=True, exist_ok=True)
    shards = [(split, path) for split in counts for path in examples.shards(split)]
    path = str(anomalies.path)
    with open_pipeline(runner, beam_options, path) as pipeline:
        same = pipeline | beam.Create(shards) | beam.Reshuffle() | DuplicateImages()
        number = beam.pvalue.AsSingleton(same | beam.combiners.Count.Globally())
        first = same | beam.combiners.Top.Smallest(LISTED, key=lambda anomaly: anomaly["train"])
        _ = first | "Write" >> beam.Map(_write, number, others, f"{path}/anomalies.json")
    if tensorboard is not None:
        with synced_directory(tensorboard) as logs:
            write_summaries(logs, examples, counts, anomalies.read_json("anomalies.json"))


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


def _bounded(kind: str, found: list[dict], number: int) -> list[dict]:
    """The first of `number` anomalies of one kind, and one that counts the others."""
    rest = {"kind": kind, "message": f"{number - LISTED:,} more anomalies of kind {kind} are not listed."}
    return found[:LISTED] + ([rest] if number > LISTED else [])


def _write(same: list[dict], number: int, others: list[dict], path: str) -> None:
    listed = [*others, *_bounded("same_picture", same, number)]
    with atomic_file(path) as file:
        file.write(json.dumps(listed, indent=1, ensure_ascii=False).encode())


def write_summaries(directory: epath.PathLike, examples: Examples, counts: dict[str, list[int]], anomalies: list[dict]) -> None:
    """Writes two texts, `examples/counts` and `examples/anomalies`, in place of older event files. All anomalies are shown.

    `directory`, made if missing, holds logs for TensorBoard. `counts` are the examples of each class, by split.
    """
    import tensorflow as tf

    for file in epath.Path(directory).glob("events.out.tfevents.*"):
        file.unlink()
    texts = {
        "counts": (counts_table(examples, counts), "Examples per split, and the reasons why photographs were rejected"),
        "anomalies": (anomalies_list(anomalies), "Anomalies in the examples; all these examples are still used"),
    }
    writer = tf.summary.create_file_writer(str(directory))
    with writer.as_default(step=0), tf.name_scope("examples"):
        for name, (text, description) in texts.items():
            tf.summary.text(name, text, description=description)
    writer.close()


def counts_table(examples: Examples, counts: dict[str, list[int]]) -> str:
    """A Markdown table of the examples in each split, and one of the reasons for rejections."""
    rows = ["| split | examples | classes | smallest class | largest class |", "| --- | --- | --- | --- | --- |"]
    for split, numbers in counts.items():
        named = [(number, name) for number, name in zip(numbers, examples.labels, strict=True) if number]
        ends = [f"{escape_markdown(name)} ({number:,})" for number, name in (min(named), max(named))] if named else ["", ""]
        rows.append(f"| {split} | {examples.count(split):,} | {len(named):,} | {' | '.join(ends)} |")
    with (examples.path / "rejected.jsonl").open() as lines:
        reasons = collections.Counter(json.loads(line)["reason"] for line in lines)
    rows += ["", f"Rejected photographs: {reasons.total():,}"]
    if reasons:
        rows += ["", "| rejected | reason |", "| --- | --- |"]
        rows += [f"| {number:,} | {escape_markdown(reason)} |" for reason, number in reasons.most_common(SHOWN)]
    if others := reasons.total() - sum(number for _, number in reasons.most_common(SHOWN)):
        rows.append(f"| {others:,} | other reasons |")
    return "\n".join(rows)


def anomalies_list(anomalies: list[dict]) -> str:
    """A Markdown list of anomalies."""
    return "\n".join(f"- {escape_markdown(anomaly['message'])}" for anomaly in anomalies) or "No anomalies found."


def check_anomalies(anomalies: Input[Anomalies]) -> None:
    """Fails a strict run if ExampleValidator found anomalies.

    Raises:
        ValueError: there is an anomaly.
    """
    if found := anomalies.read_json("anomalies.json"):
        first, kept = textwrap.shorten(found[0]["message"], 200), anomalies.path / "anomalies.json"
        raise ValueError(f"{len(found)} anomalies, see {kept}. The first: {first} Without --strict, the run would only report them.")
