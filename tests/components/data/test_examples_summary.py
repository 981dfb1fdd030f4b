import html
import json

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zfnet.components.artifacts import Anomalies, Examples
from zfnet.components.data.examples_summary import SHOWN, anomalies_list, counts_table, size_sentences, write_summaries
from zfnet.components.pictures.figure import write_png

COUNTS = {"train": [30, 2, 1100, 0], "validation": [3, 0, 200, 0]}
ENDS = {"min": 200, "median": 375, "max": 1200}
SIZES = {"train": {"shorter_side": ENDS, "enlarged": 0.25, "aspect": None}, "validation": None}
STATISTICS = {"classes": COUNTS, "sizes": SIZES}


@pytest.fixture
def examples(tmp_path):
    """A manifest and rejects; the pictures are not looked at."""
    splits = {split: {"examples": sum(numbers), "shards": []} for split, numbers in COUNTS.items()}
    manifest = {"side": 256, "labels": ["cat", "a|b <i>", "dog", "none"], "splits": splits, "rejected": 3}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    reject(tmp_path, ["the file is empty", "none of JPEG", "the file is empty"])
    return Examples(tmp_path)


def found_anomalies(directory, *messages: str) -> Anomalies:
    anomalies = Anomalies(directory / f"anomalies_{len(messages)}")
    anomalies.path.mkdir()
    (anomalies.path / "anomalies.json").write_text(json.dumps([{"kind": "k", "message": message} for message in messages]))
    return anomalies


def reject(directory, reasons: list[str]) -> None:
    """Writes rejects whose ids hold what some would take for the end of a line."""
    lines = [json.dumps({"id": "x\n\u2028\x85", "reason": reason, "source": "x"}, ensure_ascii=False) + "\n" for reason in reasons]
    (directory / "rejected.jsonl").write_text("".join(lines))


def texts(directory) -> dict[str, str]:
    events = EventAccumulator(str(directory)).Reload()
    assert sorted(events.Tags()["tensors"]) == ["examples/anomalies", "examples/counts"]
    found = {}
    for tag in events.Tags()["tensors"]:
        (event,) = events.Tensors(tag)
        found[tag.split("/")[1]] = event.tensor_proto.string_val[0].decode()
    return found


def test_counts_and_anomalies_are_shown(examples, tmp_path):
    write_summaries(tmp_path / "logs", examples, STATISTICS, found_anomalies(tmp_path, "The class a|b <i> has 2."))
    found = texts(tmp_path / "logs")
    assert found["counts"].splitlines()[2:4] == [
        r"| train | 1,132 | 3 | a\|b &lt;i&gt; (2) | dog (1,100) |",
        "| validation | 203 | 2 | cat (3) | dog (200) |",
    ]
    assert "Rejected photographs: 3" in found["counts"]
    assert found["counts"].endswith("| 2 | the file is empty |\n| 1 | none of JPEG |")
    assert found["anomalies"] == r"- The class a\|b &lt;i&gt; has 2."


def test_rare_reasons_are_counted_together(examples):
    reject(examples.path, ["common"] * 2 + [f"rare {number}" for number in range(SHOWN + 4)])
    rows = counts_table(examples, STATISTICS).splitlines()
    assert "Rejected photographs: 26" in rows
    assert rows[-SHOWN - 1 :][0] == "| 2 | common |"
    assert rows[-1] == "| 5 | other reasons |"


def test_without_rejects_there_is_no_table_of_reasons(examples):
    reject(examples.path, [])
    assert counts_table(examples, STATISTICS).endswith("Rejected photographs: 0")


@pytest.mark.filterwarnings("ignore:html5lib's sanitizer is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ["a~~b~~c", "a|b", "`x`|", "<b>bold</b>", "&lt;", "*a*_b_", "![a](http://x.y/z.png)", "a\\", "\\|", "``"])
def test_tensorboard_shows_names_as_they_are(name):
    from tensorboard.plugin_util import markdown_to_safe_html  # here, where its warning is expected

    shown = markdown_to_safe_html(anomalies_list([{"kind": "k", "message": f"The class {name} is tiny."}]))
    assert html.unescape(shown) == f"<ul>\n<li>The class {name} is tiny.</li>\n</ul>"


def test_a_second_run_replaces_the_first(examples, tmp_path):
    logs = tmp_path / "logs"
    write_summaries(logs, examples, STATISTICS, found_anomalies(tmp_path, "m"))
    assert texts(logs)["anomalies"] == "- m"
    (logs / "notes.txt").write_text("kept")
    write_summaries(logs, examples, STATISTICS, found_anomalies(tmp_path))
    assert texts(logs)["anomalies"] == "No anomalies found."
    assert len(list(logs.iterdir())) == 2
    assert (logs / "notes.txt").read_text() == "kept"


def test_the_sizes_are_shown(examples):
    sentence = "Photographs in train: shorter side 200 to 1,200 pixels (median 375), 25% enlarged to 256."
    assert sentence in counts_table(examples, STATISTICS).splitlines()
    assert size_sentences({"classes": COUNTS}, 256) == []  # statistics of before sizes were measured


def test_the_picture_of_near_copies_is_shown(examples, tmp_path):
    anomalies = found_anomalies(tmp_path, "m")
    write_png(np.full((6, 9, 3), 100, np.uint8), anomalies.near_copies)
    write_summaries(tmp_path / "logs", examples, STATISTICS, anomalies)
    (event,) = EventAccumulator(str(tmp_path / "logs")).Reload().Tensors("examples/near_copies")
    assert event.tensor_proto.string_val[:2] == [b"9", b"6"]
    assert event.tensor_proto.string_val[2] == anomalies.near_copies.read_bytes()
