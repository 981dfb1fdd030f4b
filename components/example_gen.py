"""Step 1: photographs in, TFRecord shards of square JPEGs out."""

import functools
import json
import operator
import sys

from etils import epath

from zfnet.components.artifacts import Examples, Output, Setting
from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.data.sources.prepared import PreparedSource
from zfnet.components.data.sources.shard_plan import SPLITS
from zfnet.components.data.sources.source import Source
from zfnet.components.storage.files import atomic_file

OUTCOME = "outcome.json"  # the workers' report, which the step turns into the manifest
NAMED = 10  # classes in one sentence


def generate_examples(
    examples: Output[Examples],
    *,
    source: Source | PreparedSource,
    image_size: int,
    num_shards: int | None,
    max_rejected: float,
    runner: Setting[str],
    beam_options: Setting[tuple[str, ...]],
    splits: tuple[str, ...] = SPLITS,
) -> None:
    """Decodes every photograph, cuts its central square and writes shards that TFDS reads.

    Workers receive references to whole shards, and decode, crop and write them in one pass, so photographs are never shuffled. The bytes
    of the shards do not depend on the runner, the number of workers or the order of files. Unreadable photographs are listed in
    `rejected.jsonl`, lines of `{"id", "reason", "source"}`. The manifest is written last. The standard error gets the source's notes, and
    the classes without an example.

    Args:
        examples: where to write.
        source: the photographs, from `open_source`.
        image_size: side of the network's input, pixels; the squares are stored with side `round(image_size * 8 / 7)`.
        num_shards: files of the training split; None lets the number of photographs decide.
        max_rejected: the share of all photographs, 0..1, that may be unreadable.
        runner: as in `open_pipeline`.
        beam_options: as in `open_pipeline`.
        splits: the splits to prepare; all splits of a prepared directory are copied.

    Raises:
        ValueError: more than `max_rejected` of the photographs cannot be read, or a split has none, or the source is a prepared
            directory that does not fit.
    """
    if isinstance(source, PreparedSource):
        source.pass_on(examples, image_size, num_shards)
        return
    from zfnet.components.data.examples.shard import write_metadata

    side = round(image_size * 8 / 7)
    examples.path.mkdir(parents=True, exist_ok=True)
    with PROGRESS.shown():
        _write_shards(source, examples.path, side, num_shards, runner, beam_options, splits)
    for left in examples.path.glob("*.partial"):  # by a worker that died, and whose work another one repeated
        left.unlink()
    outcome = examples.read_json(OUTCOME)
    written, rejected = outcome["splits"], outcome["rejected"]
    _check(source, written, rejected, max_rejected)
    found = set(outcome["labels"])
    empty = [name for label, name in enumerate(source.labels) if label not in found]
    for note in (*source.notes, *([_empty_classes(empty)] if empty and written.keys() >= set(SPLITS) else [])):
        print(note, file=sys.stderr)
    lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in rejected)
    (examples.path / "rejected.jsonl").write_text(lines)
    write_metadata(examples.path, source.labels, side, written)
    manifest = {
        "name": source.name,
        "image_size": image_size,
        "side": side,
        "labels": source.labels,
        "source": source.data,
        "published": source.published,
        "rejected": len(rejected),
        "splits": written,
    }
    (examples.path / OUTCOME).unlink()
    with atomic_file(f"{examples.path}/manifest.json") as file:
        file.write(json.dumps(manifest, indent=1, ensure_ascii=False).encode())


def _write_shards(
    source: Source, directory: epath.Path, side: int, num_shards: int | None, runner: str, options: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    import apache_beam as beam

    from zfnet.components.data.beam.options import check_data_reaches_runner
    from zfnet.components.data.beam.pipeline import open_pipeline
    from zfnet.components.data.examples.prepare_shard import PrepareShard

    check_data_reaches_runner(runner, source.location)
    path = str(directory)
    with open_pipeline(runner, options, path) as pipeline:
        _ = (
            source.plan(pipeline, num_shards)
            | "Wanted" >> beam.Filter(lambda planned: planned[0][0] in wanted)
            | "Prepare" >> beam.ParDo(PrepareShard(source.read, path, source.name, source.labels, side, source.remote))
            | beam.combiners.ToList()
            | "Report" >> beam.Map(_report, f"{path}/{OUTCOME}", wanted)
        )


def _report(outcomes: list[dict], path: str, wanted: tuple[str, ...]) -> None:
    """Writes the reports of all shards, in the order of their names."""
    from zfnet.components.data.examples.prepare_shard import bit_places

    splits: dict[str, list[dict]] = {split: [] for split in wanted}
    for outcome in sorted(outcomes, key=lambda outcome: outcome["shard"]["file"]):
        splits[outcome["split"]].append(outcome["shard"])
    counted = {split: {"examples": sum(shard["examples"] for shard in shards), "shards": shards} for split, shards in splits.items()}
    labels = bit_places(functools.reduce(operator.or_, (outcome["labels"] for outcome in outcomes), 0))
    rejected = sorted((entry for outcome in outcomes for entry in outcome["rejected"]), key=lambda entry: entry["id"])
    with atomic_file(path) as file:
        file.write(json.dumps({"splits": counted, "labels": labels, "rejected": rejected}).encode())


def _empty_classes(names: list[str]) -> str:
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
    if len(names) == 1:
        return f"1 class is empty: it has no photograph that can be read ({listed}). Add photographs to it, or remove it from the data."
    said = f"{len(names):,} classes are empty: they have no photograph that can be read ({listed})"
    return f"{said}. Add photographs to them, or remove them from the data."


def _check(source: Source, splits: dict, rejected: list[dict], max_rejected: float) -> None:
    total = len(rejected) + sum(split["examples"] for split in splits.values())
    reasons = "; ".join(f"{entry['id']}: {entry['reason']}" for entry in rejected[:3])
    if total and len(rejected) > max_rejected * total:
        raise ValueError(
            f"{len(rejected)} of the {total} photographs of {source.data} cannot be read, more than the share {max_rejected:g} that "
            f"--max-rejected allows ({reasons}{', ...' if len(rejected) > 3 else ''}): repair or remove them, or allow more."
        )
    for split, found in splits.items():
        if not found["examples"]:
            raise ValueError(
                f"The {split} split of {source.data} has no photograph that can be read: expected at least one in {' and in '.join(splits)}"
                + (f" ({reasons})." if reasons else ".")
            )
