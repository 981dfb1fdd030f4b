"""Real photographs, real worker processes, and a server that stands in for Cloud Storage, all on this machine."""

import contextlib
import os
import pathlib
import subprocess
import sysconfig

import pytest

from zfnet.components.data.sources.photographs import PHOTOGRAPHS

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
# Runs in every worker process before anything else, and keeps a note of it: photographs done, and whether TensorFlow was imported.
NOTES = """
import atexit, os, pathlib, signal, sys, threading, time

lock = threading.RLock()

def note(*_):
    progress = sys.modules.get("zfnet.components.data.photograph_progress")
    if progress and progress.PROGRESS.done:
        path = pathlib.Path(os.environ["WORKER_NOTES"], str(os.getpid()))
        with lock:
            path.with_suffix(".partial").write_text(f"{progress.PROGRESS.done} {'tensorflow' in sys.modules}")
            path.with_suffix(".partial").replace(path)

def keep_noting():
    while True:
        time.sleep(0.05)
        note()

def note_and_end(*_):
    note()
    os._exit(0)

# A worker is ended as soon as its last photograph is done, before the thread has noted that.
atexit.register(note)
signal.signal(signal.SIGTERM, note_and_end)
threading.Thread(target=keep_noting, daemon=True).start()
"""


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """The photographs of the default data set as they lie in their packages, in two classes, and two files that are none."""
    root = tmp_path_factory.mktemp("photographs")
    for number, photograph in enumerate(PHOTOGRAPHS):
        path = root / ("first", "second")[number % 2] / photograph.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photograph.read())
    (root / "first/empty.jpg").touch()
    (root / "second/글.jpg").write_text("no photograph")
    return root


@pytest.fixture(scope="session")
def prepare(forked):
    """Runs `zfnet examples` and returns its process when it has ended."""

    def run(data, out, *options, **environment) -> subprocess.CompletedProcess:
        command = [ZFNET, "examples", data, "--out", out, "--image-size", "56", "--num-shards", "6", "--max-rejected", "0.2", *options]
        if not environment:
            command = forked(command)
        return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240)

    return run


@pytest.fixture(scope="session")
def by_one_process(photographs, prepare, tmp_path_factory):
    """What one process makes of the photographs."""
    out = tmp_path_factory.mktemp("one") / "prepared"
    done = prepare(photographs, out)
    assert (done.returncode, done.stderr) == (0, "")
    return _contents(out)


def _contents(directory: pathlib.Path) -> dict[str, bytes]:
    """Every file's bytes."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@contextlib.contextmanager
def _worker_pool(serving, port: int, python: pathlib.Path, directory: pathlib.Path):
    """Beam's worker pool of some environment, working in `directory`; gives its port, and the notes are in `directory/notes`."""
    (directory / "notes").mkdir(parents=True)
    (directory / "sitecustomize.py").write_text(NOTES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= {
        "PATH": f"{python.parent}:{environment['PATH']}",  # the pool starts workers by the name `python`
        "PYTHONPATH": str(directory),
        "WORKER_NOTES": str(directory / "notes"),
    }
    command = [python, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    with serving(command, port, cwd=directory, env=environment):
        yield port


def _notes(directory: pathlib.Path) -> list[tuple[int, bool]]:
    """Photographs done, and whether TensorFlow was imported, of every worker process that did any."""
    found = [path.read_text().split() for path in (directory / "notes").iterdir() if path.suffix == ""]
    return [(int(done), tensorflow == "True") for done, tensorflow in found]


@pytest.fixture(scope="session")
def contents():
    return _contents


@pytest.fixture(scope="session")
def worker_pool(serving, free_port):
    return lambda python, directory: _worker_pool(serving, free_port(), python, directory)


@pytest.fixture(scope="session")
def notes():
    return _notes


@pytest.fixture(scope="module")
def bucket(photographs, cloud_storage, open_bucket):
    """The bucket of `cloud_storage` with the photographs below `all/`: the environment in which it is found."""
    for path in sorted(photographs.rglob("*.*")):
        open_bucket().blob(f"all/{path.relative_to(photographs)}").upload_from_string(path.read_bytes(), "image/jpeg")
    return cloud_storage
