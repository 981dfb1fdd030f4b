import contextlib
import json
import threading
import time

import pytest
from etils import epath

from zfnet.components.training.cluster_task import Task
from zfnet.pipeline.cluster_run import ANNOUNCED, announced_run, follow_run


@pytest.fixture
def chief(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}))


def announced(root):
    """How the run goes, without its name."""
    return {name: value for name, value in json.loads((root / ANNOUNCED).read_text()).items() if name != "run"}


def test_without_a_cluster_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with announced_run(epath.Path(tmp_path)):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("chief")
def test_beginning_and_end_are_told(tmp_path):
    with announced_run(epath.Path(tmp_path)):
        assert announced(tmp_path) == {"ended": False, "error": None}
    assert announced(tmp_path) == {"ended": True, "error": None}


@pytest.mark.usefixtures("chief")
def test_why_it_failed_is_told(tmp_path):
    with pytest.raises(ValueError, match="no photographs"), announced_run(epath.Path(tmp_path)):
        raise ValueError("no photographs")
    assert announced(tmp_path) == {"ended": True, "error": "no photographs"}


def write(root, ended, error=None):
    (root / ANNOUNCED).write_text(json.dumps({"ended": ended, "error": error}))


def test_a_run_that_ended_before_is_not_followed(tmp_path):
    write(tmp_path, True)
    with pytest.raises(OSError, match=r"no run of the first machine under .* for 0 s. Start the same command there too"):
        follow_run(tmp_path, Task(1, 2), longest_wait=0.1)


@pytest.mark.usefixtures("chief")
def test_a_run_that_fails_at_once_is_followed(tmp_path):
    with contextlib.suppress(ValueError), announced_run(epath.Path(tmp_path)):
        raise ValueError("an earlier run")

    def fail():
        time.sleep(0.7)
        with contextlib.suppress(ValueError), announced_run(epath.Path(tmp_path)):
            raise ValueError("no photographs")

    first = threading.Thread(target=fail)
    first.start()
    with pytest.raises(ValueError, match="The run of the first machine failed: no photographs"):
        follow_run(tmp_path, Task(1, 2), longest_wait=20)
    first.join()


@pytest.mark.parametrize("error", [None, "no photographs"])
def test_a_run_is_followed_to_its_end(tmp_path, capsys, error):
    def run():
        time.sleep(0.7)
        write(tmp_path, False)
        time.sleep(0.7)
        write(tmp_path, True, error)

    first = threading.Thread(target=run)
    first.start()
    if error:
        with pytest.raises(ValueError, match="The run of the first machine failed: no photographs"):
            follow_run(tmp_path, Task(1, 2))
    else:
        follow_run(tmp_path, Task(1, 2))
        assert capsys.readouterr().out.splitlines()[-1] == "Machine 2 of 2: it ended."
    first.join()


def test_a_remote_root_is_refused():
    with pytest.raises(ValueError, match="need a directory that all of them see"):
        follow_run("gs://bucket/run", Task(1, 2))
