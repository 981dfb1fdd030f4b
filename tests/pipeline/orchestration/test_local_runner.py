import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sql

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Setting, Statistics
from zfnet.pipeline.orchestration import metadata
from zfnet.pipeline.orchestration.local_runner import LocalRunner, StepResult
from zfnet.pipeline.orchestration.metadata import open_metadata
from zfnet.pipeline.orchestration.step import Step


class Numbers:
    """Numbers to work on, as a data source."""

    def __init__(self, *numbers: int):
        self.numbers = numbers

    def __str__(self) -> str:
        return f"{len(self.numbers)} numbers"

    def fingerprint(self) -> str:
        return f"v1:{self.numbers}"


def write_numbers(examples: Output[Examples], *, source: Numbers, calls: Setting[list]) -> None:
    calls.append("WriteNumbers")
    (examples.path / "numbers.json").write_text(json.dumps(source.numbers))
    (examples.path / "manifest.json").write_text(json.dumps({"numbers": source.numbers}))


def add(examples: Input[Examples], statistics: Output[Statistics], *, times: int, calls: Setting[list]) -> None:
    calls.append("Add")
    (statistics.path / "deeper").mkdir()
    (statistics.path / "deeper" / "sum.json").write_text(json.dumps(times * sum(examples.read_json("numbers.json"))))


def judge(
    statistics: Input[Statistics], earlier: Input[Evaluation | None], evaluation: Output[Evaluation], *, calls: Setting[list]
) -> None:
    calls.append("Judge")
    (evaluation.path / "evaluation.json").write_text(
        json.dumps({"blessed": statistics.read_json("deeper/sum.json") > 0, "had": str(earlier)})
    )


def wait(evaluation: Output[Evaluation], *, error: Setting[BaseException | None]) -> None:
    time.sleep(0.3)
    (evaluation.path / "evaluation.json").write_text("{}")
    if error:
        raise error


def pipeline(calls: list, numbers=(1, 2, 3), times: int = 2) -> list[Step]:
    write = Step("WriteNumbers", write_numbers, {"source": Numbers(*numbers), "calls": calls})
    adder = Step("Add", add, {"examples": write.output("examples"), "times": times, "calls": calls})
    judge_step = Step("Judge", judge, {"statistics": adder.output("statistics"), "earlier": None, "calls": calls})
    return [write, adder, judge_step]


def run(root: pathlib.Path, steps: list[Step]) -> dict[str, StepResult]:
    with LocalRunner(root, "zfnet run") as runner:
        return runner.run(steps)


def called(root: pathlib.Path, **changes) -> list[str]:
    """Names of the steps that a run has to redo."""
    calls = []
    run(root, pipeline(calls, **changes))
    return calls


def executions(root: pathlib.Path) -> list[tuple[str, str]]:
    with open_metadata(root) as session:
        return [(execution.step, execution.status) for execution in session.scalars(sql.select(metadata.Execution))]


def test_steps_run_in_order_and_what_they_wrote_is_found(tmp_path):
    results = run(tmp_path / "new" / "root", pipeline([]))
    assert list(results) == ["WriteNumbers", "Add", "Judge"]
    statistics = results["Add"].outputs["statistics"]
    assert isinstance(statistics, Statistics)
    assert statistics.path == tmp_path / "new/root/add/2/statistics"
    assert statistics.read_json("deeper/sum.json") == 12
    assert not results["Add"].cached
    assert results["Add"].seconds > 0


def test_nothing_is_redone_when_nothing_changed(tmp_path):
    first = run(tmp_path, pipeline([]))
    calls = []
    second = run(tmp_path, pipeline(calls))
    assert calls == []
    assert all(result.cached for result in second.values())
    assert second["Judge"].outputs["evaluation"].path == first["Judge"].outputs["evaluation"].path


def test_parameter_redoes_its_step_and_what_follows(tmp_path):
    called(tmp_path)
    assert called(tmp_path, times=3) == ["Add", "Judge"]
    assert called(tmp_path, times=2) == []


def test_source_redoes_everything_that_its_contents_change(tmp_path):
    called(tmp_path)
    assert called(tmp_path, numbers=(1, 2, 4)) == ["WriteNumbers", "Add", "Judge"]
    # Another order of the same numbers has the same sum, so what follows from the sum alone stands.
    assert called(tmp_path, numbers=(4, 2, 1)) == ["WriteNumbers", "Add"]


def test_setting_redoes_nothing(tmp_path):
    called(tmp_path)
    write, *_ = pipeline([])
    elsewhere = Step("WriteNumbers", write_numbers, {**write.arguments, "calls": ["something", "else"]})
    assert run(tmp_path, [elsewhere])["WriteNumbers"].cached


@pytest.mark.parametrize("harm", [pathlib.Path.unlink, lambda file: file.write_text("1")])
def test_output_that_is_gone_or_cut_short_is_made_again(tmp_path, harm):
    results = run(tmp_path, pipeline([]))
    harm(pathlib.Path(results["Add"].outputs["statistics"].path / "deeper" / "sum.json"))
    # The sum comes out the same, so Judge has nothing new to do.
    assert called(tmp_path) == ["Add"]
    assert called(tmp_path) == []


def test_output_that_is_damaged_is_told_and_made_again(tmp_path, capsys):
    results = run(tmp_path, pipeline([]))
    file = pathlib.Path(results["Add"].outputs["statistics"].path / "deeper" / "sum.json")
    file.write_text("13")  # as long as 12
    capsys.readouterr()
    assert called(tmp_path) == ["Add"]
    assert f"{tmp_path}/add/2/statistics was altered or is damaged: it is made again." in capsys.readouterr().out
    assert called(tmp_path) == []


def test_step_is_asked_about_what_it_wrote_elsewhere(tmp_path):
    sign = tmp_path / "elsewhere"
    [write, *_] = pipeline([])
    step = Step("WriteNumbers", write_numbers, write.arguments, still_holds=lambda outputs: sign.exists() and "examples" in outputs)
    run(tmp_path / "root", [step])
    assert not run(tmp_path / "root", [step])["WriteNumbers"].cached
    sign.touch()
    assert run(tmp_path / "root", [step])["WriteNumbers"].cached


def test_setting_given_as_function_sees_the_plan(tmp_path):
    write, adder, judge_step = pipeline([])
    told = {}

    def tell(plan):
        told.update(sum=plan.inputs["statistics"].read_json("deeper/sum.json"), digest=plan.digests["statistics"], key=plan.key())
        told["family"] = plan.upstream["statistics"].key(without=("times",))
        return []

    late = Step("Judge", judge, {**judge_step.arguments, "calls": tell})
    run(tmp_path, [write, adder, late])
    assert told["sum"] == 12
    with open_metadata(tmp_path) as session:
        execution = session.scalar(sql.select(metadata.Execution).filter_by(step="Judge"))
        assert execution.key == told["key"]
        assert execution.artifacts("input")["statistics"].digest == told["digest"]
    assert len(told["family"]) == 64


def test_execution_is_recorded(tmp_path):
    run(tmp_path, pipeline([]))
    run(tmp_path, pipeline([], times=5))
    with open_metadata(tmp_path) as session:
        first, second = session.scalars(sql.select(metadata.Context)).all()
        assert [association.cached for association in first.associations] == [False, False, False]
        assert [association.cached for association in second.associations] == [True, False, False]
        write, adder = (association.execution for association in second.associations[:2])
        assert write.parameters == {"source": "3 numbers"}
        assert adder.parameters == {"times": 5}
        assert adder.versions["python"] == sys.version.split()[0]
        assert adder.artifacts("input")["examples"].path == "write_numbers/1/examples"
        made = adder.artifacts("output")["statistics"]
        assert (made.kind, made.path, made.files) == ("Statistics", "add/4/statistics", {"deeper/sum.json": 2})
        assert len(made.digest) == 64
        assert (second.command, second.status) == ("zfnet run", "done")


def fail(examples: Input[Examples], model: Output[Model], *, error: Setting[BaseException]) -> None:
    (model.path / "model.keras").write_text("half")
    raise error


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_step_that_fails_leaves_nothing_but_a_record(tmp_path, error):
    steps = pipeline([])[:1]
    steps.append(Step("Fail", fail, {"examples": steps[0].output("examples"), "error": error("The disk\nis full.")}))
    with pytest.raises(error), LocalRunner(tmp_path, "zfnet run") as runner:
        runner.run(steps)
    assert list((tmp_path / "fail").iterdir()) == []
    assert executions(tmp_path) == [("WriteNumbers", "done"), ("Fail", "failed")]
    assert runner.results["WriteNumbers"].error is None
    assert runner.results["Fail"].outputs == {}
    assert runner.results["Fail"].error in ("The disk is full.", "Interrupted. Run the same command again to continue.")
    with open_metadata(tmp_path) as session:
        assert session.scalar(sql.select(metadata.Context)).status == "failed"
    assert called(tmp_path) == ["Add", "Judge"]


def test_mistake_in_the_list_is_found_before_anything_runs(tmp_path):
    calls = []
    write, adder, judge_step = pipeline(calls)
    with pytest.raises(ValueError, match="Step Judge, argument 'statistics': Add does not come before it"):
        run(tmp_path, [write, judge_step, adder])
    with pytest.raises(ValueError, match="Two steps of the pipeline are named WriteNumbers"):
        run(tmp_path, [write, adder, write])
    assert calls == []


def test_parts_may_have_steps_of_one_name_that_share_what_came_before(tmp_path):
    for expected in (["WriteNumbers", "Add", "Add", "Judge"], []):
        calls = []
        write, once, _ = pipeline(calls, times=1)
        twice = Step("Add", add, {"examples": write.output("examples"), "times": 2, "calls": calls})
        judge_first = Step("Judge", judge, {"statistics": once.output("statistics"), "earlier": None, "calls": calls})
        with LocalRunner(tmp_path, "zfnet run") as runner:
            first = dict(runner.run([write, once]))
            runner.run([twice])
            runner.run([judge_first])
        assert calls == expected
        assert [results["Add"].outputs["statistics"].read_json("deeper/sum.json") for results in (first, runner.results)] == [6, 12]
        with open_metadata(tmp_path) as session:
            (judged,) = session.executions(step="Judge")
            assert judged.artifacts("input")["statistics"].path == str(first["Add"].outputs["statistics"].path.relative_to(tmp_path))


def test_time_of_interrupted_attempts_counts(tmp_path):
    def attempt(error=None):
        with pytest.raises(type(error)) if error else contextlib.nullcontext(), LocalRunner(tmp_path, "zfnet run") as runner:
            runner.run([Step("Wait", wait, {"error": error})])
        return runner.results["Wait"]

    assert attempt(KeyboardInterrupt()).took is None
    done = attempt()
    assert done.took > 0.6
    again = attempt()
    assert again.cached
    assert (again.took, again.seconds < 0.3) == (done.took, True)


def test_lines_are_printed(tmp_path, capsys):
    called(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["WriteNumbers  started", lines[1], "Add           started"]
    assert lines[1].startswith("WriteNumbers  done in 0.")
    called(tmp_path)
    assert capsys.readouterr().out.splitlines()[2] == "Judge         unchanged"


def test_directory_that_is_there_already_is_left_alone(tmp_path):
    run(tmp_path, pipeline([]))
    mine = tmp_path / "add" / "1st notes.partial"
    mine.mkdir()
    (tmp_path / "metadata.sqlite").unlink()
    before = (tmp_path / "write_numbers/1/examples/numbers.json").stat()
    results = run(tmp_path, pipeline([]))
    assert results["WriteNumbers"].outputs["examples"].path == tmp_path / "write_numbers/2/examples"
    assert (tmp_path / "write_numbers/1/examples/numbers.json").stat() == before
    assert mine.is_dir()


SLOW_PIPELINE = """
import sys
import time

from zfnet.components.artifacts import Examples, Output, Setting
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step


def write(examples: Output[Examples], *, wait: Setting[bool]) -> None:
    (examples.path / "shard").write_text("half")
    if wait:
        print("half", flush=True)
        time.sleep(60)
    (examples.path / "shard").write_text("half and half")
    (examples.path / "manifest.json").write_text("{}")


with LocalRunner(sys.argv[1], "zfnet run") as runner:
    result = runner.run([Step("SlowWrite", write, {"wait": sys.argv[2] == "wait"})])["SlowWrite"]
    print(result.cached)
"""


@pytest.fixture
def slow_pipeline(tmp_path):
    """Starts a process that runs one step under ROOT, which waits half-way if asked to."""
    program, processes = tmp_path / "slow_pipeline.py", []
    program.write_text(SLOW_PIPELINE)

    def start(mode: str) -> subprocess.Popen:
        command = [sys.executable, str(program), str(tmp_path / "root"), mode]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen, line: str) -> None:
    while (read := process.stdout.readline()) != line:
        assert read, process.stderr.read()


def test_killed_step_is_redone_and_leaves_no_half_artifact(tmp_path, slow_pipeline):
    killed = slow_pipeline("wait")
    wait_for(killed, "half\n")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    directory = tmp_path / "root" / "slow_write"
    assert [entry.name for entry in directory.iterdir()] == ["1.partial"]
    again, errors = slow_pipeline("on").communicate(timeout=60)
    assert again.endswith("False\n"), errors
    assert [entry.name for entry in directory.iterdir()] == ["2"]
    assert (directory / "2/examples/shard").read_text() == "half and half"
    assert executions(tmp_path / "root") == [("SlowWrite", "failed"), ("SlowWrite", "done")]
    assert slow_pipeline("on").communicate(timeout=60)[0].endswith("True\n")


def test_code_redoes_its_step_and_documentation_does_not(tmp_path, slow_pipeline):
    program = tmp_path / "slow_pipeline.py"

    def cached(old: str, new: str) -> str:
        assert old in program.read_text()
        program.write_text(program.read_text().replace(old, new))
        return slow_pipeline("on").communicate(timeout=60)[0].splitlines()[-1]

    assert cached("half", "half") == "False"
    assert cached("    if wait:", '    """Writes."""\n    if wait:  # to be killed') == "True"
    assert cached("half and half", "half and more") == "False"


def test_one_process_at_a_time(tmp_path, slow_pipeline):
    first = slow_pipeline("wait")
    wait_for(first, "half\n")
    with pytest.raises(OSError, match=f"in use by process {first.pid} since 20.* .zfnet run."):
        run(tmp_path / "root", [])
    assert (tmp_path / "root/slow_write/1.partial").is_dir()


REMOTE_PIPELINE = """
import sys
from etils import epath
from zfnet.components.artifacts import Examples, Input, Output, Setting, Statistics
from zfnet.pipeline.orchestration import lock
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step

lock.RENEWED, lock.STALE, lock.LOOKED = 0.2, 1.0, 0.2

def write(examples: Output[Examples]) -> None:
    (examples.path / "manifest.json").write_text("[1, 2]")

def add(examples: Input[Examples], statistics: Output[Statistics], *, mode: Setting[str]) -> None:
    (statistics.path / "deep" / "half.json").write_text("half")
    if mode == "fail":
        raise ValueError("half")
    if mode == "wait":
        print("half", flush=True)
        sys.stdin.read()
    (statistics.path / "deep" / "half.json").unlink()
    (statistics.path / "deep" / "sum.json").write_text(str(sum(examples.read_json("manifest.json"))))

write_step = Step("Write", write, {})
with LocalRunner(epath.Path("gs://photos/root"), "zfnet run", wait=True) as runner:
    results = runner.run([write_step, Step("Add", add, {"examples": write_step.output("examples"), "mode": sys.argv[1]})])
    print(results["Add"].cached, results["Add"].outputs["statistics"].path)
"""


@pytest.mark.timeout(200)
def test_remote_root_keeps_what_is_recorded_alone(in_cloud, fetch, open_bucket, tmp_path):
    (tmp_path / "program.py").write_text(REMOTE_PIPELINE)
    failed = in_cloud.start("import program", "fail")
    assert "ValueError: half" in failed.communicate(timeout=60)[1]
    assert set(fetch("root/")) == {"write/1/examples/manifest.json", "metadata.sqlite"}
    with in_cloud.start("import program", "wait") as killed:
        wait_for(killed, "half\n")
        killed.kill()
    assert set(fetch("root/")) == {"write/1/examples/manifest.json", "metadata.sqlite", "add/3/statistics/deep/half.json", "lock"}
    assert in_cloud("import program", "on").splitlines()[-1] == "False gs://photos/root/add/4/statistics"
    assert set(fetch("root/")) == {"write/1/examples/manifest.json", "metadata.sqlite", "add/4/statistics/deep/sum.json"}
    assert in_cloud("import program", "on").splitlines()[-1] == "True gs://photos/root/add/4/statistics"
    open_bucket().blob("root/add/4/statistics/deep/sum.json").delete()
    assert in_cloud("import program", "on").splitlines()[-1] == "False gs://photos/root/add/5/statistics"
