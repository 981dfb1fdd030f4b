import hashlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers

# Runs in a process of its own with a limit on its time, since that the job ends at all is what is tested. The arguments: which workers,
# what befalls them, and the seconds that a worker may take to connect.
JOB = """
import os
import signal
import sys
import tempfile
import time

import apache_beam as beam
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
from zfnet.components.data.beam import workers as beam_workers
from zfnet.components.data.beam.pipeline import open_pipeline

workers, fate = sys.argv[1:3]
first = os.path.join(tempfile.mkdtemp(), "first")
beam_workers.CONNECTS_WITHIN = float(sys.argv[3])
options = ["--direct_num_workers=2"]
if workers == "pool":
    address, server = BeamFnExternalWorkerPoolServicer.start(use_process=True)
    options += ["--environment_type=EXTERNAL", f"--environment_config={address}"]
else:
    options += ["--direct_running_mode=multi_processing"]
if fate == "cannot start":
    os.environ["PYTHONHOME"] = "/nowhere"


def work(number):
    if fate == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == "exits while others work":
        try:
            os.mkdir(first)
        except FileExistsError:
            time.sleep(300)
        os._exit(3)
    if fate == "fails while others work":
        try:
            os.mkdir(first)
        except FileExistsError:
            time.sleep(300)
        raise ValueError("a broken example")
    return number


try:
    with open_pipeline("FnApiRunner", options) as pipeline:
        _ = pipeline | beam.Create(range(8)) | beam.Reshuffle() | beam.Map(work)
    print("done")
except ValueError as error:
    print(error)
"""


def outcome(workers: str, fate: str, within: float = 60, path: Path = Path(sys.executable).parent) -> str:
    """What the job says; fails where it does not end."""
    command = [sys.executable, "-c", JOB, workers, fate, str(within)]
    process = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    )
    return process.stdout


@pytest.mark.parametrize("workers", ["processes", "pool"])
def test_workers_that_live_are_left_alone(workers):
    assert outcome(workers, "lives") == "done\n"


@pytest.mark.parametrize(
    ("fate", "code"), [("cannot start", "exit code 1"), ("is killed", "exit code -9"), ("exits while others work", "exit code 3")]
)
def test_a_worker_process_that_dies_ends_the_job(fate, code):
    said = outcome("processes", fate)
    assert said.startswith(f"A worker process of Beam ended with {code} before its work was done")
    assert said.endswith("use fewer: -- --direct_num_workers=N\n")


@pytest.mark.parametrize("fate", ["is killed", "exits while others work"])
def test_a_worker_of_a_pool_that_dies_ends_the_job(fate):
    assert outcome("pool", fate).startswith("A worker of Beam ended, or its connection broke, before its work was done.")


@pytest.mark.parametrize("what_starts", ["exec sleep 30", "exit 1"])
def test_a_worker_of_a_pool_that_never_connects_ends_the_job(what_starts, tmp_path):
    worker = tmp_path / "python"
    worker.write_text(f"#!/bin/sh\n{what_starts}\n")
    worker.chmod(0o755)
    assert outcome("pool", "lives", 2, tmp_path).startswith("A worker of Beam did not connect within 2 seconds.")


@pytest.mark.parametrize("workers", ["processes", "pool"])
def test_error_of_a_worker_while_others_work_is_the_error_of_the_job(workers):
    """Beam alone reads the answers of its workers in order, so it waits for the first even when the second has failed."""
    assert outcome(workers, "fails while others work") == "a broken example\n"


def test_classes_of_beam_are_those_that_were_read():
    """Where this fails, compare `workers.py` with the new source of these classes, then take over its digest."""
    classes = (
        worker_handlers.ControlFuture,
        worker_handlers.ControlConnection,
        worker_handlers.WorkerHandler,
        worker_handlers.GrpcWorkerHandler,
        worker_handlers.ExternalWorkerHandler,
        worker_handlers.SubprocessSdkWorkerHandler,
        local_job_service.SubprocessSdkWorker,
    )
    assert {each.__name__: hashlib.sha256(inspect.getsource(each).encode()).hexdigest()[:16] for each in classes} == {
        "ControlFuture": "663e7cdf81adfe0f",
        "ControlConnection": "675e4ef5f09addb5",
        "WorkerHandler": "c7dfa2e312d2f65b",
        "GrpcWorkerHandler": "9d917df6b2a1796b",
        "ExternalWorkerHandler": "f4f34f65e016df62",
        "SubprocessSdkWorkerHandler": "ce781255b8cbbaf3",
        "SubprocessSdkWorker": "670356705d4106f3",
    }
