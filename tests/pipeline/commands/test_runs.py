import copy
import json
import pathlib
import re

import click
import pytest
from click.testing import CliRunner

from zfnet.components.artifacts import Examples, Input, Output, Statistics
from zfnet.pipeline.commands.runs import command, lineage_lines, short_fingerprint
from zfnet.pipeline.orchestration.lineage import read_lineage
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step


def generate(examples: Output[Examples], *, data: str) -> None:
    (examples.path / "manifest.json").write_text(data)


def count(examples: Input[Examples], statistics: Output[Statistics], *, works: bool) -> None:
    if not works:
        raise ValueError("Nothing to count.")


def run(root: pathlib.Path, works: bool) -> None:
    example_gen = Step("ExampleGen", generate, {"data": "cats"})
    statistics_gen = Step("StatisticsGen", count, {"examples": example_gen.output("examples"), "works": works})
    with LocalRunner(root, f"zfnet run --works {works}") as runner:
        runner.run([example_gen, statistics_gen])


@pytest.fixture
def root(tmp_path):
    """A root under which one run failed and the next one was done."""
    with pytest.raises(ValueError, match="Nothing to count"):
        run(tmp_path, works=False)
    run(tmp_path, works=True)
    return tmp_path


def test_table(root):
    done = CliRunner().invoke(command, ["--root", str(root), "--verbose"])
    lines = [line.split() for line in done.stdout.splitlines() if line]
    assert lines[0] == ["zfnet", "run", "--works", "False"]
    assert lines[1][2:4] == ["UTC", "failed"]
    assert lines[2] == ["step", "took", "from", "into"]
    assert lines[3] == ["ExampleGen", "done", *lines[3][2:4], "data=cats", "example_gen/1/examples"]
    assert lines[4] == ["StatisticsGen", "failed", *lines[4][2:4], "example_gen/1", "Nothing", "to", "count."]
    assert lines[5] == ["zfnet", "run", "--works", "True"]
    assert lines[6][3] == "done"
    assert lines[8] == ["ExampleGen", "unchanged", *lines[3][2:4], "data=cats", "example_gen/1/examples"]
    assert lines[9][-2:] == ["example_gen/1", "statistics_gen/3/statistics"]


def test_json(root):
    runs = json.loads(CliRunner().invoke(command, ["--root", str(root), "--json", "--verbose"]).stdout)
    assert [(run["command"], run["status"]) for run in runs] == [("zfnet run --works False", "failed"), ("zfnet run --works True", "done")]
    example_gen, statistics_gen = runs[1]["executions"]
    assert example_gen["cached"] is True
    assert example_gen["parameters"] == {"data": "cats"}
    assert statistics_gen["inputs"]["examples"] == example_gen["outputs"]["examples"]
    assert statistics_gen["outputs"]["statistics"]["path"] == "statistics_gen/3/statistics"
    assert runs[0]["executions"][1]["error"] == "Nothing to count."


def test_where_nothing_ran(tmp_path):
    done = CliRunner().invoke(command, ["--root", str(tmp_path), "--verbose"])
    assert done.exit_code == 1
    assert "Nothing ran under" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_version_of_the_data_is_told(tmp_path, run_tiny):
    run_tiny(tmp_path)
    lines = CliRunner().invoke(command, ["--root", str(tmp_path), "--verbose"]).stdout.splitlines()
    assert lines[2] == "data birds, version folder:aaaaaaaaaaaa"
    assert lines[5].split()[-2:] == ["birds", "example_gen/1/examples"]


def test_lineage(tmp_path, run_tiny):
    run_tiny(tmp_path)
    run_tiny(tmp_path, epochs=5)

    def told(*options: str) -> str:
        return CliRunner().invoke(command, ["--root", str(tmp_path), "--verbose", "--lineage", *options]).stdout

    assert told().startswith("Version 2 pushed")
    assert told("1").startswith("Version 1 pushed")
    assert told("trainer/3").startswith("trainer/3 done")
    found = json.loads(told("--json"))
    assert found["version"] == 2
    assert found["inputs"]["model"]["made_by"]["parameters"]["epochs"] == 5
    assert "└── evaluation" in told()
    wrong = CliRunner().invoke(command, ["--root", str(tmp_path), "--lineage", "3"])
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (1, 1)


def test_runs_of_one_root_in_a_shared_database(tmp_path, run_tiny):
    url = f"sqlite:///{tmp_path}/runs.sqlite"
    for name in ("one", "two"):
        run_tiny(tmp_path / name, metadata_url=url)
    found = json.loads(CliRunner().invoke(command, ["--root", str(tmp_path / "two"), "--metadata", url, "--json"]).stdout)
    assert [run["root"].rpartition(":")[2] for run in found] == [str(tmp_path / "two")]
    nothing = CliRunner().invoke(command, ["--root", str(tmp_path / "three"), "--metadata", url])
    assert f"{tmp_path}/two; give one of them with --root" in nothing.stderr


@pytest.fixture
def lineage(tmp_path, run_tiny):
    run_tiny(tmp_path)
    return read_lineage(tmp_path, None)


def drawn(lineage: dict, width: int = 100) -> list[str]:
    """The lines, with everything that differs from run to run replaced."""
    lines = [click.unstyle(line) for line in lineage_lines(lineage, width)]
    return [re.sub(r"\b[0-9a-f]{12}\b", "DIGEST", re.sub(r"in \S+ s, 20.* UTC", "TIME", line)) for line in lines]


def test_tree(lineage):
    lines = drawn(lineage)
    assert lines[0].startswith("Version 1 pushed 20")
    assert lines[1:3] == ["", "serving DIGEST  from pusher/5 TIME"]
    assert lines[5].startswith("made with  python=3.")
    assert [*lines[3:5], *lines[next(number for number, line in enumerate(lines) if "├" in line) :]] == [
        "result     version=1",
        "code       DIGEST",
        "├── examples DIGEST  from example_gen/1 TIME",
        "│   source  birds, version folder:DIGEST",
        "│   with    image_size=56",
        "│   code    DIGEST",
        "├── model DIGEST  from trainer/3 TIME",
        "│   with  epochs=3  rate=0.01",
        "│   code  DIGEST",
        "│   ├── examples DIGEST  from example_gen/1, above",
        "│   └── statistics DIGEST  from statistics_gen/2 TIME",
        "│       code  DIGEST",
        "│       └── examples DIGEST  from example_gen/1, above",
        "└── evaluation DIGEST  from evaluator/4 TIME",
        "    result  top1_error=0.25  blessed=True  reason=error 0.25",
        "    with    error=0.25",
        "    code    DIGEST",
        "    ├── examples DIGEST  from example_gen/1, above",
        "    └── model DIGEST  from trainer/3, above",
    ]


def test_other_libraries_are_shown_where_they_were_used(lineage):
    other = copy.deepcopy(lineage)
    other["inputs"]["evaluation"]["made_by"]["versions"] = {"python": "3.12.0"}
    other["inputs"]["evaluation"]["made_by"]["source_commit"] = f"{'0123' * 10}-dirty"
    [line] = {line for line in drawn(other) if "3.12" in line}
    assert line == "    made with  python=3.12.0  commit=DIGEST-dirty"


def test_lines_fit_and_lose_nothing(lineage):
    wide, narrow = ([click.unstyle(line) for line in lineage_lines(lineage, width)] for width in (200, 60))
    assert max(map(len, narrow)) <= 60 < max(map(len, wide))
    words = [[word for line in lines for word in re.sub("[│├└─]", "", line).split()] for lines in (wide, narrow)]
    assert words[0] == words[1]


def test_execution_that_failed(lineage):
    record = {**lineage, "version": None, "status": "failed", "seconds": None, "error": "The disk is full.", "outputs": {}, "inputs": {}}
    lines = [click.unstyle(line) for line in lineage_lines(record, 100)]
    assert lines[0].startswith("pusher/5 failed 20")
    assert lines[2].startswith("failed  from pusher/5, 20")
    assert lines[-1] == "error      The disk is full."


@pytest.mark.parametrize(
    ("fingerprint", "short"), [(f"folder:{'0123' * 16}", "folder:012301230123"), ("tfds:imagenette/320px-v2/1.0.0@train[:10%]", None)]
)
def test_digests_in_a_fingerprint_are_cut_short(fingerprint, short):
    assert short_fingerprint(fingerprint) == (short or fingerprint)
