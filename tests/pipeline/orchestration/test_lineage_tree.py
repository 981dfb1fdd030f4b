import copy
import re

import click
import pytest

from zfnet.pipeline.orchestration.database import open_recorded
from zfnet.pipeline.orchestration.lineage import read_lineage
from zfnet.pipeline.orchestration.lineage_tree import draw_lineage, short_fingerprint


@pytest.fixture
def lineage(tmp_path, run_tiny):
    run_tiny(tmp_path)
    with open_recorded(tmp_path) as session:
        return read_lineage(session, tmp_path, None)


def drawn(lineage: dict, width: int = 100) -> list[str]:
    """The lines, with everything that differs from run to run replaced."""
    lines = [click.unstyle(line) for line in draw_lineage(lineage, width)]
    return [re.sub(r"\b[0-9a-f]{12}\b", "DIGEST", re.sub(r"in \S+ s, 20.* UTC", "TIME", line)) for line in lines]


def test_tree(lineage):
    lines = drawn(lineage)
    assert lines[0].startswith("Version 1 pushed 20")
    assert lines[1].startswith("made with python 3.")
    assert lines[lines.index("") + 1 :] == [
        "serving DIGEST  from pusher/5 TIME",
        "│  version=1",
        "│  code DIGEST",
        "├─ examples DIGEST  from example_gen/1 TIME",
        "│     source birds, version folder:DIGEST",
        "│     with image_size=56",
        "│     code DIGEST",
        "├─ model DIGEST  from trainer/3 TIME",
        "│  │  with epochs=3  rate=0.01",
        "│  │  code DIGEST",
        "│  ├─ examples DIGEST  from example_gen/1, above",
        "│  └─ statistics DIGEST  from statistics_gen/2 TIME",
        "│     │  code DIGEST",
        "│     └─ examples DIGEST  from example_gen/1, above",
        "└─ evaluation DIGEST  from evaluator/4 TIME",
        "   │  top1_error=0.25  blessed=True  reason=error 0.25",
        "   │  with error=0.25",
        "   │  code DIGEST",
        "   ├─ examples DIGEST  from example_gen/1, above",
        "   └─ model DIGEST  from trainer/3, above",
    ]


def test_other_libraries_are_told_where_they_were(lineage):
    other = copy.deepcopy(lineage)
    other["inputs"]["evaluation"]["made_by"]["versions"] = {"python": "3.12.0"}
    other["inputs"]["evaluation"]["made_by"]["source_commit"] = "0123456789abcdef-dirty"
    before, after = drawn(lineage), drawn(other)
    assert [line for line in after if line not in before] == ["   │  made with python 3.12.0  commit DIGEST-dirty"]


def test_lines_fit_and_lose_nothing(lineage):
    wide, narrow = (drawn(lineage, width) for width in (200, 60))
    assert max(map(len, narrow)) <= 60 < max(map(len, wide))
    words = [[word for line in lines for word in re.sub("[│├└─]", "", line).split()] for lines in (wide, narrow)]
    assert words[0] == words[1]


def test_execution_that_failed(lineage):
    record = {**lineage, "version": None, "status": "failed", "seconds": None, "error": "The disk is full.", "outputs": {}, "inputs": {}}
    lines = [click.unstyle(line) for line in draw_lineage(record, 100)]
    assert lines[0].startswith("pusher/5 failed 20")
    assert lines[-3].startswith("failed  from pusher/5, 20")
    assert lines[-1] == "   error The disk is full."


@pytest.mark.parametrize(
    ("fingerprint", "short"), [(f"folder:{'0123' * 16}", "folder:012301230123"), ("tfds:imagenette/320px-v2/1.0.0@train[:10%]", None)]
)
def test_digests_in_a_fingerprint_are_cut_short(fingerprint, short):
    assert short_fingerprint(fingerprint) == (short or fingerprint)
