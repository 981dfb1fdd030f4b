"""Step 1: photographs in, TFRecord shards of square JPEGs out."""

import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from etils import epath

from zfnet.components.artifacts import Examples, Output, Setting
from zfnet.components.data.photograph import UnreadablePhotograph, prepare_photograph
from zfnet.components.data.prepared_source import PreparedSource
from zfnet.components.data.source import Source, SourcePhotograph

OUTCOME = "outcome.json"  # what the workers report; gone before the manifest is written


def generate_examples(
    examples: Output[Examples],
    *,
    source: Source | PreparedSource,
    image_size: int,
    num_shards: int | None,
    max_rejected: float,
    runner: Setting[str],
    beam_options: Setting[tuple[str, ...]],
    splits: tuple[str, ...] = ("train", "validation"),
) -> None:
    """Decodes every photograph, cuts its central square and writes shards that TFDS reads.

    Workers are handed whole shards by reference and decode, crop and write them in one go, so photographs are never shuffled. The shards
    have the same bytes whatever the runner, the number of workers and the order of files. What cannot be read goes to `rejected.jsonl`.
    The manifest is written last.

    Args:
        examples: where to.
        source: the photographs, from `open_source`.
        image_size: side of the network's input, pixels; the squares are stored with side `round(image_size * 8 / 7)`.
        num_shards: files of the training split; None leaves it to the number of photographs.
        max_rejected: the share of all photographs, 0..1, that may be unreadable.
        runner: name of the Beam runner.
        beam_options: further options for Beam.
        splits: those to prepare, where the others are not needed; a prepared directory is passed on with all that it has.

    Raises:
        ValueError: more than `max_rejected` of the photographs cannot be read, or a split has none, or the source is a prepared
            directory that does not fit.
    """
    if isinstance(source, PreparedSource):
        source.pass_on(examples, image_size, num_shards)
        return
    side = round(image_size * 8 / 7)
    examples.path.mkdir(parents=True, exist_ok=True)
    _write_shards(source, examples.path, side, num_shards, runner, beam_options, splits)
    outcome = examples.read_json(OUTCOME)
    written, rejected = outcome["splits"], outcome["rejected"]
    _check(source, written, rejected, max_rejected)
    lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in rejected)
    (examples.path / "rejected.jsonl").write_text(lines)
    _write_metadata(examples.path, source, side, written)
    manifest = {
        "name": source.name,
        "image_size": image_size,
        "side": side,
        "labels": source.labels,
        "source": source.data,
        "rejected": len(rejected),
        "splits": written,
    }
    (examples.path / OUTCOME).unlink()
    partial = examples.path / "manifest.json.partial"
    partial.write_text(json.dumps(manifest, indent=1, ensure_ascii=False))
    partial.replace(examples.path / "manifest.json")


def _write_shards(
    source: Source,
    directory: epath.Path,
    side: int,
    num_shards: int | None,
    runner: str,
    beam_options: tuple[str, ...],
    wanted: tuple[str, ...],
):
    import apache_beam as beam

    from zfnet.components.data.beam_pipeline import open_pipeline

    with open_pipeline(runner, beam_options) as pipeline:
        _ = (
            source.plan(pipeline, num_shards)
            | "Wanted" >> beam.Filter(lambda planned: planned[0][0] in wanted)
            | "Write" >> beam.Map(_write_one, source.read, str(directory), source.name, side)
            | beam.combiners.ToList()
            | "Report" >> beam.Map(_report, str(directory / OUTCOME), wanted)
        )


def _write_one(planned: tuple[tuple[str, int, int], Any], read: Callable, directory: str, name: str, side: int) -> dict:
    """Writes one shard, and returns what came of it."""
    from zfnet.components.data.shard import shard_name, write_shard

    (split, index, number), references = planned
    rejected = []
    path = epath.Path(directory) / shard_name(name, split, index, number)
    shard = write_shard(path, _prepare(read(references), side, rejected))
    return {"split": split, "shard": dataclasses.asdict(shard), "rejected": rejected}


def _prepare(photographs: Iterator[SourcePhotograph], side: int, rejected: list[dict]) -> Iterator[dict]:
    """Yields examples; appends to `rejected` what cannot be one."""
    for photograph in photographs:
        try:
            encoded = photograph.read()
            image, box = prepare_photograph(encoded, side)
        except UnreadablePhotograph as error:
            rejected.append({"id": photograph.id, "reason": str(error), "source": photograph.origin})
            continue
        if photograph.box is not None:
            box = _compose(photograph.box, box, encoded)
        yield {
            "image": image,
            "label": photograph.label,
            "id": photograph.id,
            "photograph": photograph.photograph or photograph.id,
            "box": box,
        }


def _compose(outer: tuple[int, ...], inner: tuple[int, ...], encoded: bytes) -> tuple[int, ...]:
    """The place in the photograph of a crop `inner` from an image that was itself cut at `outer`, and maybe scaled, before."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        width, height = image.size
    top, left, bottom, right = outer
    down, across = (bottom - top) / height, (right - left) / width
    return round(top + inner[0] * down), round(left + inner[1] * across), round(top + inner[2] * down), round(left + inner[3] * across)


def _report(outcomes: list[dict], path: str, wanted: tuple[str, ...]) -> None:
    """Writes what came of all shards, in the order of their names."""
    splits = {split: [] for split in wanted}
    for outcome in sorted(outcomes, key=lambda outcome: outcome["shard"]["file"]):
        splits[outcome["split"]].append(outcome["shard"])
    counted = {split: {"examples": sum(shard["examples"] for shard in shards), "shards": shards} for split, shards in splits.items()}
    rejected = sorted((entry for outcome in outcomes for entry in outcome["rejected"]), key=lambda entry: entry["id"])
    epath.Path(path).write_text(json.dumps({"splits": counted, "rejected": rejected}))


def _check(source: Source, splits: dict, rejected: list[dict], max_rejected: float) -> None:
    total = len(rejected) + sum(split["examples"] for split in splits.values())
    reasons = "; ".join(f"{entry['id']}: {entry['reason']}" for entry in rejected[:3])
    if total and len(rejected) > max_rejected * total:
        raise ValueError(
            f"{len(rejected)} of the {total} photographs of {source.data} cannot be read, more than the share {max_rejected:g} that "
            f"--max-rejected allows ({reasons}{', ...' if len(rejected) > 3 else ''}): mend or remove them, or allow more."
        )
    for split, found in splits.items():
        if not found["examples"]:
            raise ValueError(
                f"The {split} split of {source.data} has no photograph that can be read: expected at least one in {' and in '.join(splits)}"
                + (f" ({reasons})." if reasons else ".")
            )


def _write_metadata(directory: epath.Path, source: Source, side: int, splits: dict) -> None:
    """Writes what TFDS needs to read the shards."""
    import numpy as np
    import tensorflow_datasets as tfds

    infos = []
    for split, found in splits.items():
        lengths = [shard["examples"] for shard in found["shards"]]
        payload = sum(shard["bytes"] - 16 * shard["examples"] for shard in found["shards"])  # 16 bytes frame a record
        infos.append(tfds.core.SplitInfo(name=split, shard_lengths=lengths, num_bytes=payload))
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(side, side, 3), encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(names=source.labels),
            "id": tfds.features.Text(),
            "photograph": tfds.features.Text(),
            "box": tfds.features.Tensor(shape=(4,), dtype=np.int64),
        }
    )
    tfds.folder_dataset.write_metadata(
        data_dir=directory, features=features, split_infos=infos, supervised_keys=("image", "label"), check_data=False
    )
