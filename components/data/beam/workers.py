"""Watches the workers of Beam's local runner: a worker that dies or never connects fails the job, where Beam 2.77 waits for it forever.

An error on one worker fails the job at once as well, where Beam may wait for the work of the others.

Beam offers no option for this. Its class `WorkerHandler` keeps a table of the classes that start workers, one for each kind of environment,
and this module enters subclasses of them while a job runs. They read and set private attributes of Beam, so a test pins the
source of the classes that they rely on.
"""

import contextlib
import functools
import os
import re
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import grpc
from apache_beam.portability import common_urns, python_urns
from apache_beam.portability.api import beam_fn_api_pb2, beam_runner_api_pb2, endpoints_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.utils.sentinel import Sentinel
from google.protobuf import json_format, text_format

CONNECTS_WITHIN = 120.0  # seconds; a worker that imports Beam on a busy machine takes ten
ANSWERS = 0.1  # seconds between two looks for requests that a failed job still makes
ERROR = re.compile(r"^.*[Ee]rror: .*$", re.MULTILINE)  # in what a worker prints
BUNDLE = "bundle_"  # Beam's names of requests to process examples begin so; an error on another one may be harmless


class Workers:
    """The workers of one job, and the reason why it failed, `failure`, or None."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.failed, self.closing, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.handlers: list[WatchedWorker] = []
        self.processes: list[subprocess.Popen] = []

    def fail(self, reason: str) -> None:
        """Ends the job: answers all its requests by `reason` and kills its worker processes. Only the first reason counts."""
        if self.failure is None and not self.closing.is_set():
            self.failure = reason
            self.failed.set()
            threading.Thread(target=self._answer, daemon=True).start()
            self.kill()

    def kill(self) -> None:
        """Kills the worker processes."""
        for process in list(self.processes):
            process.kill()

    def _answer(self) -> None:
        while not self.ended.wait(ANSWERS):
            for handler in list(self.handlers):
                for future in list(handler.control_conn._futures_by_id.values()):
                    future.set(beam_fn_api_pb2.InstructionResponse(instruction_id=future.instruction_id, error=self.failure))


class WatchedWorker(worker_handlers.GrpcWorkerHandler):
    """Connection to one worker of `workers`, whose loss or error fails the job; the other arguments are Beam's."""

    def __init__(self, workers: Workers, *args: Any) -> None:
        super().__init__(*args)
        self.workers = workers
        workers.handlers.append(self)
        self.control_conn._read_thread = threading.Thread(target=self._read, daemon=True)  # started by Beam when the worker connects
        self._limit = threading.Timer(CONNECTS_WITHIN, self._give_up)
        self._limit.daemon = True
        self._limit.start()

    def close(self) -> None:
        """Lets the worker end; waits for it only if it has nothing more to do."""
        self.workers.closing.set()
        self._limit.cancel()
        if self.workers.failure is not None or self.control_conn._futures_by_id:
            self.workers.kill()
            if self.workers.failure is not None and not self.workers.processes:  # A worker on another machine is asked to end.
                self.control_conn.push(Sentinel.sentinel)
                self.control_conn._state = worker_handlers.BeamFnControlServicer.DONE_STATE  # Beam waits for it in another state
        super().close()

    def _read(self) -> None:
        with contextlib.suppress(grpc.RpcError):
            for response in self.control_conn._input or ():
                self.control_conn._futures_by_id.pop(response.instruction_id).set(response)
                if response.error and response.instruction_id.startswith(BUNDLE):
                    self.workers.fail(response.error)  # Beam would first wait for the work of other workers
        # The thread that waits for the process knows the exit code, a moment later.
        if not self.workers.closing.is_set() and not self.workers.failed.wait(1):
            self.workers.fail(
                "A worker of Beam ended, or its connection broke, before its work was done. Look at its messages, and whether memory ran "
                "out; the same command begins this step anew."
            )

    def _give_up(self) -> None:
        if self.control_conn._state == worker_handlers.BeamFnControlServicer.UNSTARTED_STATE:
            self.workers.fail(
                f"A worker of Beam did not connect within {CONNECTS_WITHIN:.0f} seconds. Look at its messages; it must reach this machine "
                "by its name without a proxy, and have the same zfnet and apache-beam installed. Or work without worker processes: leave "
                "out --direct_running_mode and --environment_type."
            )


class PoolWorker(WatchedWorker, worker_handlers.ExternalWorkerHandler):
    """A worker that a worker pool starts, perhaps on another machine."""


class ProcessWorker(WatchedWorker, worker_handlers.SubprocessSdkWorkerHandler):
    """A worker in a process of its own on this machine."""

    def start_worker(self) -> None:
        """Starts the process and a thread that waits for its end."""
        self.worker_thread = threading.Thread(target=self._run)
        self.worker_thread.start()

    def _run(self) -> None:
        environment = {
            **os.environ,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=self.control_address)),
            "PIPELINE_OPTIONS": json_format.MessageToJson(self.provision_info.provision_info.pipeline_options),
            "WORKER_ID": self.worker_id,
        }
        with tempfile.TemporaryFile() as messages:
            process = subprocess.Popen(shlex.split(self._worker_command_line.decode()), env=environment, stderr=messages)
            self.workers.processes.append(process)
            if self.workers.failure is not None:
                process.kill()
            if process.wait():
                messages.seek(0)
                errors = ERROR.findall(messages.read().decode(errors="replace"))
                self.workers.fail(
                    f"A worker process of Beam ended with exit code {process.returncode} before its work was done"
                    f"{f' ({errors[-1]})' if errors else ''}. If memory ran out (exit code -9), use fewer: -- --direct_num_workers=N"
                )


@contextlib.contextmanager
def watched_workers() -> Iterator[Workers]:
    """Watches the workers of the job that Beam runs in this process within the `with` block, and yields them."""
    workers, handler = Workers(), worker_handlers.WorkerHandler
    classes = dict(handler._registered_environments)
    external = common_urns.environments.EXTERNAL.urn
    handler.register_environment(external, beam_runner_api_pb2.ExternalPayload)(functools.partial(PoolWorker, workers))
    handler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(functools.partial(ProcessWorker, workers))
    try:
        yield workers
    finally:
        handler._registered_environments.update(classes)
        workers.ended.set()
