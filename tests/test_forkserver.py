"""Commands that are forked behave as those that are started."""

import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import time

import pytest

TELL = """
import os, pathlib, sys
print(sys.argv[1:], __name__, pathlib.Path.cwd(), os.environ.get("ASKED"), sys.stdin.read())
print("wrong", file=sys.stderr)
"""


@pytest.fixture(params=["-c", "-m", "script"])
def told(request, tmp_path, forked):
    """What a program says, by each way to start it: started, and forked."""
    (tmp_path / "tell.py").write_text(TELL)
    program = {"-c": ["-c", TELL], "-m": ["-m", "tell"], "script": ["tell.py"]}[request.param]
    command = [sys.executable, *program, "one", "two words"]
    options = {"cwd": tmp_path, "env": os.environ | {"ASKED": "yes"}, "input": "given", "capture_output": True, "text": True}
    return [subprocess.run(command, **options) for command in (command, forked(command))]


def test_arguments_streams_directory_and_environment(told):
    started, forked = told
    assert started.returncode == forked.returncode == 0
    assert started.stdout.startswith("['one', 'two words'] __main__ ")
    assert (started.stdout, started.stderr) == (forked.stdout, forked.stderr)


@pytest.mark.parametrize(
    "program",
    ["import sys; sys.exit()", "import sys; sys.exit(7)", "import sys; sys.exit('said')", "1 / 0", "import os; os.kill(os.getpid(), 9)"],
)
def test_exit_codes(program, forked):
    command = [sys.executable, "-c", program]
    started, ended = (subprocess.run(command, capture_output=True, text=True) for command in (command, forked(command)))
    assert started.returncode == ended.returncode
    assert started.stderr.splitlines()[-1:] == ended.stderr.splitlines()[-1:]


def test_what_is_registered_for_the_end_runs_then(forked):
    late = "threading.Thread(target=lambda: (time.sleep(0.3), print('thread'))).start()"
    program = f"import atexit, threading, time; atexit.register(print, 'end'); {late}"
    assert subprocess.run(forked([sys.executable, "-c", program]), capture_output=True, text=True).stdout == "thread\nend\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_reach_the_process(number, forked):
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(100)"
    with subprocess.Popen(forked([sys.executable, "-c", program]), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        running = pathlib.Path("/proc", process.stdout.readline().strip())
        assert running.exists()
        process.send_signal(number)
    assert process.returncode == -number
    end = time.monotonic() + 10
    while running.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not running.exists()


def test_a_command_of_the_project_computes(forked, tmp_path):
    program = "import tensorflow as tf; print(float(tf.reduce_sum(tf.ones((3, 4)))))"
    assert subprocess.run(forked([sys.executable, "-c", program]), capture_output=True, text=True).stdout == "12.0\n"
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
    command = [zfnet, "runs", "--root", "nowhere"]
    started, ended = (subprocess.run(command, capture_output=True, text=True, cwd=tmp_path) for command in (command, forked(command)))
    assert (started.returncode, started.stderr) == (ended.returncode, ended.stderr)
    assert ended.returncode == 1
