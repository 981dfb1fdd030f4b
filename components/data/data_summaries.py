"""What TensorBoard shows of the data: how many examples there are, what was rejected, and what is suspicious."""

import collections
import json
import os

from etils import epath

from zfnet.components.artifacts import Examples

SHOWN = 20  # reasons of rejection; the others are counted together


def write_summaries(directory: str | os.PathLike, examples: Examples, counts: dict[str, list[int]], anomalies: list[dict]) -> None:
    """Writes two texts, `examples/counts` and `examples/anomalies`, in place of those that were in the directory.

    Args:
        directory: where TensorBoard looks for logs; made if missing. Event files that lie in it are removed, and nothing else.
        examples: the examples.
        counts: examples of each class, by split.
        anomalies: what is suspicious in them; all of it is shown.
    """
    import tensorflow as tf

    for file in epath.Path(directory).glob("events.out.tfevents.*"):
        file.unlink()
    texts = {
        "counts": (counts_table(examples, counts), "Examples by split, and photographs that could not be read"),
        "anomalies": (anomalies_list(anomalies), "What is suspicious in the examples; nothing of it was left out"),
    }
    writer = tf.summary.create_file_writer(os.fspath(directory))
    with writer.as_default(step=0), tf.name_scope("examples"):
        for name, (text, description) in texts.items():
            tf.summary.text(name, text, description=description)
    writer.close()


def counts_table(examples: Examples, counts: dict[str, list[int]]) -> str:
    """A Markdown table of the examples in each split, and one of the reasons for which photographs were rejected."""
    rows = ["| split | examples | classes | smallest class | largest class |", "| --- | --- | --- | --- | --- |"]
    for split, numbers in counts.items():
        named = [(number, name) for number, name in zip(numbers, examples.labels, strict=True) if number]
        ends = [f"{_escaped(name)} ({number:,})" for number, name in (min(named), max(named))] if named else ["", ""]
        rows.append(f"| {split} | {examples.count(split):,} | {len(named):,} | {' | '.join(ends)} |")
    with (examples.path / "rejected.jsonl").open() as lines:
        reasons = collections.Counter(json.loads(line)["reason"] for line in lines)
    rows += ["", f"Rejected photographs: {reasons.total():,}"]
    if reasons:
        rows += ["", "| rejected | reason |", "| --- | --- |"]
        rows += [f"| {number:,} | {_escaped(reason)} |" for reason, number in reasons.most_common(SHOWN)]
    if others := reasons.total() - sum(number for _, number in reasons.most_common(SHOWN)):
        rows.append(f"| {others:,} | other reasons |")
    return "\n".join(rows)


def anomalies_list(anomalies: list[dict]) -> str:
    """A Markdown list of what is suspicious."""
    return "\n".join(f"- {_escaped(anomaly['message'])}" for anomaly in anomalies) or "Nothing suspicious was found."


def _escaped(text: str) -> str:
    """Names and reasons as they are: what Markdown or HTML would read a meaning into is taken literally."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\`*_{}[]()#|!" else character for character in " ".join(text.split()))
