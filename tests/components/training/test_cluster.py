import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from zfnet.components.training.cluster import CALL, FAILED, FAILURE, LOST, Call, follow, lead
from zfnet.components.training.recipe import Recipe


@pytest.fixture
def call(examples, statistics, tmp_path):
    """A call whose recipe no member can follow."""
    recipe = dataclasses.asdict(Recipe(epochs=1, batch_size=8, learning_rate=0.01)) | {"crops": "all"}
    folder = tmp_path / "trainer" / "checkpoints-0"
    return Call(recipe, str(examples.path), str(statistics.path), str(tmp_path / "model"), str(folder), str(tmp_path / "logs"), 600.0)


def test_chief_tells_why_the_training_failed_and_leaves_no_call(call, tmp_path):
    other = tmp_path / "trainer" / "checkpoints-1"
    other.mkdir(parents=True)
    (other / CALL).write_text("{}")
    with pytest.raises(ValueError, match="crops is 'all'"):
        lead(call)
    assert not list(tmp_path.rglob(CALL))


def test_a_failure_elsewhere_is_told_by_the_chief(call, tmp_path, monkeypatch, free_port):
    # The chief waits for another machine, which reports that it can't train.
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(2)]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    call = dataclasses.replace(call, recipe=call.recipe | {"crops": "ten"})
    monkeypatch.setattr("zfnet.components.training.cluster.GRACE", 0)
    folder = tmp_path / "trainer" / "checkpoints-0"

    def report():
        while not (folder / CALL).exists():
            time.sleep(0.1)
        (folder / FAILURE).write_text("Machine 2 of 2: no examples")

    reporter = threading.Thread(target=report)
    reporter.start()
    with pytest.raises(ValueError, match="Machine 2 of 2: no examples"):
        lead(call)
    reporter.join()


def test_a_follower_reports_its_failure(call, tmp_path):
    folder = tmp_path / "trainer" / "checkpoints-0"
    folder.mkdir(parents=True)
    (folder / CALL).write_text(json.dumps(dataclasses.asdict(call)))
    with pytest.raises(ValueError, match="crops is 'all'"):
        follow(tmp_path / "trainer", "Machine 2 of 2", lambda: False)
    assert (folder / FAILURE).read_text().startswith("Machine 2 of 2: crops is 'all'")


def test_a_follower_leaves_when_the_run_ended(tmp_path):
    follow(tmp_path, "Machine 2 of 2", lambda: True)


@pytest.fixture
def command(examples, statistics, tmp_path):
    """The command that starts a member."""

    def command(**changes):
        recipe = dataclasses.asdict(Recipe(epochs=1, batch_size=8, learning_rate=0.01)) | changes
        paths = [str(path) for path in (examples.path, statistics.path, tmp_path / "model", tmp_path / "kept", tmp_path / "logs")]
        (tmp_path / "call").write_text(json.dumps(dataclasses.asdict(Call(recipe, *paths, 600.0))))
        return [sys.executable, "-m", "zfnet.components.training.cluster", tmp_path / "call", tmp_path / "failure"]

    return command


def test_what_the_user_can_mend_is_told(command, tmp_path, forked):
    assert subprocess.run(forked(command(seed=-1)), timeout=60).returncode == FAILED
    assert (tmp_path / "failure").read_text() == "seed is -1; expected 0 at least."


def test_a_call_that_has_gone_is_no_failure(tmp_path, forked):
    command = forked([sys.executable, "-m", "zfnet.components.training.cluster", tmp_path / "gone", tmp_path / "failure"])
    assert subprocess.run(command, timeout=30).returncode == LOST
    assert not (tmp_path / "failure").exists()


PARENT = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); input()"


def test_ends_with_its_parent(command, free_port):
    # It waits for a second machine, which never comes. Not forked: then it would have another parent.
    cluster = {"cluster": {"worker": [f"127.0.0.1:{free_port()}" for _ in range(2)]}, "task": {"type": "worker", "index": 1}}
    environment = os.environ | {"TF_CONFIG": json.dumps(cluster)}
    arguments = [sys.executable, "-c", PARENT, *command()]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        member = pathlib.Path("/proc", parent.stdout.readline().strip(), "stat")
        time.sleep(6)  # until it waits
        assert running(member)
        parent.kill()
    end = time.monotonic() + 10
    while running(member) and time.monotonic() < end:
        time.sleep(0.1)
    assert not running(member)


def running(stat):
    """Whether a process is there, and is none that has ended and is only to be reaped."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
