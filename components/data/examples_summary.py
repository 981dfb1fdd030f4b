"""A summary of prepared examples as text: how many, how large, why photographs were rejected, and anomalies."""

import collections
import io
import json
from typing import Any

from etils import epath

from zfnet.components.artifacts import Anomalies, Examples
from zfnet.components.pictures.markdown import escape_markdown, markdown_table

SHOWN = 20  # reasons for rejection; the others are counted together


def write_summaries(directory: epath.PathLike, examples: Examples, statistics: dict[str, Any], anomalies: Anomalies) -> None:
    """Writes two texts, `examples/counts` and `examples/anomalies`, and the picture of near copies, in place of older event files.

    All anomalies are shown. `directory`, made if missing, holds logs for TensorBoard. `statistics` is what `statistics.json` holds.
    """
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    from zfnet.components.pictures.figure import summarize_png

    for file in epath.Path(directory).glob("events.out.tfevents.*"):
        file.unlink()
    texts = {
        "counts": (counts_table(examples, statistics), "Examples per split, and the reasons why photographs were rejected"),
        "anomalies": (
            anomalies_list(anomalies.read_json("anomalies.json")),
            "Anomalies in the examples; all these examples are still used",
        ),
    }
    writer = tf.summary.create_file_writer(str(directory))
    with writer.as_default(step=0), tf.name_scope("examples"):
        for name, (text, description) in texts.items():
            tf.summary.text(name, text, description=description)
        if anomalies.near_copies.exists():
            encoded = anomalies.near_copies.read_bytes()
            picture = np.asarray(Image.open(io.BytesIO(encoded)))
            summarize_png("examples/near_copies", picture, "Nearly the same picture in train, left, and in validation, right", encoded)
    writer.close()


def counts_table(examples: Examples, statistics: dict[str, Any]) -> str:
    """A Markdown table of the examples in each split, a line about their sizes, and a table of the reasons for rejections."""
    rows = []
    for split, numbers in statistics["classes"].items():
        named = [(number, name) for number, name in zip(numbers, examples.labels, strict=True) if number]
        ends = [f"{escape_markdown(name)} ({number:,})" for number, name in (min(named), max(named))] if named else ["", ""]
        rows.append([split, f"{examples.count(split):,}", f"{len(named):,}", *ends])
    parts = markdown_table(["split", "examples", "classes", "smallest class", "largest class"], rows)
    with (examples.path / "rejected.jsonl").open() as lines:
        reasons = collections.Counter(json.loads(line)["reason"] for line in lines)
    parts += [part for sentence in size_sentences(statistics, examples.side) for part in ("", sentence)]
    parts += ["", f"Rejected photographs: {reasons.total():,}"]
    counts = [[f"{number:,}", escape_markdown(reason)] for reason, number in reasons.most_common(SHOWN)]
    if others := reasons.total() - sum(number for _, number in reasons.most_common(SHOWN)):
        counts.append([f"{others:,}", "other reasons"])
    if counts:
        parts += ["", *markdown_table(["rejected", "reason"], counts)]
    return "\n".join(parts)


def anomalies_list(anomalies: list[dict]) -> str:
    """A Markdown list of anomalies."""
    return "\n".join(f"- {escape_markdown(anomaly['message'])}" for anomaly in anomalies) or "No anomalies found."


def size_sentences(statistics: dict[str, Any], side: int) -> list[str]:
    """A sentence about the sizes of the photographs of each split; none for statistics that hold no sizes.

    `statistics` is what `statistics.json` holds, `side` the side of every stored image, in pixels.

    Examples:
        >>> ends = {"min": 200, "median": 375, "max": 1200}
        >>> shape = {"min": 0.5, "median": 1.33, "max": 2.0}
        >>> size_sentences({"sizes": {"train": {"shorter_side": ends, "enlarged": 0.04, "aspect": shape}}}, 256)[0][22:]
        'shorter side 200 to 1,200 pixels (median 375), 4% enlarged to 256; ratio of width to height 0.50 to 2.00 (median 1.33).'
    """
    sentences = []
    for split, sizes in statistics.get("sizes", {}).items():
        if sizes is None:
            continue
        ends, shape = sizes["shorter_side"], sizes["aspect"]
        said = f"Photographs in {split}: shorter side {ends['min']:,} to {ends['max']:,} pixels (median {ends['median']:,}), "
        said += f"{sizes['enlarged']:.0%} enlarged to {side}"
        if shape:
            said += f"; ratio of width to height {shape['min']:.2f} to {shape['max']:.2f} (median {shape['median']:.2f})"
        sentences.append(f"{said}.")
    return sentences
