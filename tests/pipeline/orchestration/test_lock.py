import os
import pathlib
import re
import subprocess
import sys

import pytest

from zfnet.pipeline.orchestration.lock import root_lock

HOLD = """
import pathlib, sys
from zfnet.pipeline.orchestration.lock import root_lock
with root_lock(pathlib.Path(sys.argv[1]), "zfnet run --epochs 3"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds ROOT until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "root"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_process_is_told_who_holds_the_root(tmp_path, holder):
    told = f"in use by process {holder.pid} since 20.* .zfnet run --epochs 3.. Wait for it .*, or use another --root"
    with pytest.raises(OSError, match=told), root_lock(tmp_path / "root", "zfnet run"):
        pass


def test_other_directories_are_not_waited_for(tmp_path, holder):
    with (
        pytest.raises(OSError, match=r"\. Wait for it, or use another --out\.$"),
        root_lock(tmp_path / "root", "zfnet", option="--out"),
    ):
        pass


def test_lock_ends_with_its_process_however_that_ends(tmp_path, holder):
    holder.kill()
    holder.wait()
    with root_lock(tmp_path / "root", "zfnet run"):
        assert f'"pid": {os.getpid()}' in (tmp_path / "root/lock").read_text()


def test_what_the_file_contains_locks_nothing(tmp_path):
    (tmp_path / "lock").write_text("no JSON")
    for _ in range(2):
        with root_lock(tmp_path, "zfnet run"):
            pass


def test_holder_that_has_not_said_who_it_is(tmp_path):
    with root_lock(tmp_path, "zfnet run"):
        (tmp_path / "lock").write_text("")
        with pytest.raises(OSError, match="in use by another process"), root_lock(tmp_path, "zfnet run"):
            pass


def test_root_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    told = re.escape("file/root can't be written (Not a directory). Give another with --out.")
    with pytest.raises(OSError, match=told), root_lock(tmp_path / "file" / "root", "zfnet examples", option="--out"):
        pass


@pytest.mark.skipif(not pathlib.Path("/proc/self").is_dir(), reason="needs a directory that nobody can write to, not even root")
def test_root_that_cannot_be_written():
    with pytest.raises(OSError, match="/proc/self can't be written"), root_lock(pathlib.Path("/proc/self"), "zfnet run"):
        pass


WAIT = """
import pathlib, sys
from zfnet.pipeline.orchestration.lock import root_lock
with root_lock(pathlib.Path(sys.argv[1]), "zfnet run --wait", wait=True):
    print("held", (pathlib.Path(sys.argv[1]) / "lock").read_text(), flush=True)
"""


def test_second_process_waits_if_asked_to(tmp_path, holder):
    command = [sys.executable, "-c", WAIT, tmp_path / "root"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        line = waiting.stdout.readline()
        assert re.search(rf"in use by process {holder.pid} since 20.* \(zfnet run --epochs 3\)\. Waiting for it to end\.", line)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
        holder.stdin.close()
        rest = waiting.stdout.read()
        assert rest.startswith("held")
        assert rest.count("\n") == 1
        assert f'"pid": {waiting.pid}' in rest
    assert waiting.returncode == 0
