import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zfnet.components.artifacts import Examples
from zfnet.components.data.data_summaries import write_summaries

COUNTS = {"train": [30, 2, 1100, 0], "validation": [3, 0, 200, 0]}


@pytest.fixture
def examples(tmp_path):
    """A manifest and rejects; the pictures are not looked at."""
    splits = {split: {"examples": sum(numbers), "shards": []} for split, numbers in COUNTS.items()}
    manifest = {"labels": ["cat", "a|b <i>", "dog", "none"], "splits": splits, "rejected": 3}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    reasons = ["the file is empty", "none of JPEG", "the file is empty"]
    (tmp_path / "rejected.jsonl").write_text(
        "".join(json.dumps({"id": "x\n", "reason": reason, "source": "x"}) + "\n" for reason in reasons)
    )
    return Examples(tmp_path)


def texts(directory) -> dict[str, str]:
    events = EventAccumulator(str(directory)).Reload()
    assert sorted(events.Tags()["tensors"]) == ["examples/anomalies", "examples/counts"]
    found = {}
    for tag in events.Tags()["tensors"]:
        (event,) = events.Tensors(tag)
        found[tag.split("/")[1]] = event.tensor_proto.string_val[0].decode()
    return found


def test_counts_and_anomalies_are_shown(examples, tmp_path):
    write_summaries(tmp_path / "logs", examples, COUNTS, [{"kind": "tiny_class", "message": "The class a|b <i> has 2."}])
    found = texts(tmp_path / "logs")
    assert found["counts"].splitlines()[2:4] == [
        r"| train | 1,132 | 3 | a\|b &lt;i&gt; (2) | dog (1,100) |",
        "| validation | 203 | 2 | cat (3) | dog (200) |",
    ]
    assert found["counts"].endswith("| 2 | the file is empty |\n| 1 | none of JPEG |")
    assert found["anomalies"] == r"- The class a\|b &lt;i&gt; has 2."


def test_a_second_run_replaces_the_first(examples, tmp_path):
    write_summaries(tmp_path / "logs", examples, COUNTS, [{"kind": "k", "message": f"m{number}"} for number in range(50)])
    assert texts(tmp_path / "logs")["anomalies"].endswith("- m19\n- and 30 more, see run.json")
    write_summaries(tmp_path / "logs", examples, COUNTS, [])
    assert texts(tmp_path / "logs")["anomalies"] == "Nothing suspicious was found."
