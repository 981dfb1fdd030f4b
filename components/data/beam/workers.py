"""Watches the workers of Beam's local runner: one that dies, or that never connects, ends the job, where Beam would wait for it."""

import contextlib
import os
import re
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, endpoints_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.utils.sentinel import Sentinel
from google.protobuf import json_format, text_format

CONNECTS_WITHIN = 120.0  # seconds; a worker that imports Beam on a busy machine takes ten
ERROR = re.compile(r"^.*[Ee]rror: .*$", re.MULTILINE)  # among what a worker says


class Workers:
    """The workers of one job.

    Attributes:
        failure: why the job cannot go on, or None.
    """

    def __init__(self) -> None:
        self.failure: str | None = None
        self.failed = threading.Event()
        self.connections: list[Connection] = []
        self.processes: list[subprocess.Popen] = []

    def fail(self, reason: str) -> None:
        """Ends the job: all that it waits for is answered by `reason`, and worker processes are killed. Only the first reason counts."""
        if self.failure is None:
            self.failure = reason
            self.failed.set()
            for connection in list(self.connections):
                connection.answer()
            self.kill()

    def kill(self) -> None:
        """Kills the worker processes that are left."""
        for process in list(self.processes):
            process.kill()


class Connection(worker_handlers.ControlConnection):
    """The connection to one worker, which answers in the name of a worker that cannot.

    Attributes:
        workers: the workers of the same job; set by `watched_workers`.
    """

    workers: Workers

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[worker_handlers.ControlFuture] = []
        self._closing = False
        self._limit: threading.Timer | None = None
        self._is_connected = False
        self.workers.connections.append(self)

    def push(self, request: beam_fn_api_pb2.InstructionRequest | Sentinel) -> Any:
        """Sends a request; returns the future of its answer."""
        future = super().push(request)
        if future is not None:
            self._waiting = [*(other for other in self._waiting if not other.is_done()), future]
            if self.workers.failure is not None:
                self.answer()
            elif not self._is_connected and self._limit is None:
                self._limit = threading.Timer(CONNECTS_WITHIN, self._give_up)
                self._limit.daemon = True
                self._limit.start()
        return future

    def set_input(self, responses: Iterable[beam_fn_api_pb2.InstructionResponse]) -> None:
        """Takes the answers of the worker, which has just connected."""
        self._is_connected = True
        super().set_input(self._until_it_ends(responses))

    def answer(self) -> None:
        """Answers everything that is waited for by the failure of the job."""
        for future in self._waiting:
            future.set(beam_fn_api_pb2.InstructionResponse(instruction_id=future.instruction_id, error=self.workers.failure))

    def close(self) -> None:
        """Lets the worker end; waits for it only if it has nothing more to do."""
        self._closing = True
        if self._limit is not None:
            self._limit.cancel()
        if self.workers.failure is None and all(future.is_done() for future in self._waiting):
            super().close()
            return
        # The step fails, or is interrupted: nobody wants what other processes still do. A worker of another machine is told to end.
        self.workers.kill()
        if self.workers.processes or self.workers.failure is None:
            super().close()
        elif self._is_connected:
            super().push(Sentinel.sentinel)

    def _give_up(self) -> None:
        if not self._is_connected and not self._closing:
            self.workers.fail(
                f"A worker of Beam did not connect within {CONNECTS_WITHIN:.0f} seconds. Look at what it says; it must reach this machine "
                "by its name without a proxy, and have the same zfnet and apache-beam installed. Or work without worker processes: leave "
                "out --direct_running_mode and --environment_type."
            )

    def _until_it_ends(self, responses: Iterable[beam_fn_api_pb2.InstructionResponse]) -> Iterator[beam_fn_api_pb2.InstructionResponse]:
        with contextlib.suppress(grpc.RpcError):
            yield from responses
        # Whoever waits for the process knows more, and a moment later.
        if not self._closing and not self.workers.failed.wait(1):
            self.workers.fail(
                "A worker of Beam ended, or its connection broke, before its work was done. Look at what it says, and whether memory ran "
                "out; the same command begins this step anew."
            )


class WorkerProcess:
    """A worker in a process of its own on this machine, in place of Beam's class with the same arguments.

    Attributes:
        workers: the workers of the same job; set by `watched_workers`.
    """

    workers: Workers

    def __init__(self, worker_command_line: bytes, control_address: str, provision_info: ExtendedProvisionInfo, worker_id: str) -> None:
        self._command = shlex.split(worker_command_line.decode())
        self._environment = {
            **os.environ,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=control_address)),
            "PIPELINE_OPTIONS": json_format.MessageToJson(provision_info.provision_info.pipeline_options),
            "WORKER_ID": worker_id,
        }

    def run(self) -> None:
        """Starts the process and waits for its end."""
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(self._command, env=self._environment, stderr=said)
            self.workers.processes.append(process)
            if self.workers.failure is not None:
                process.kill()
            if process.wait():
                said.seek(0)
                errors = ERROR.findall(said.read().decode(errors="replace"))
                self.workers.fail(
                    f"A worker process of Beam ended with exit code {process.returncode} before its work was done"
                    f"{f' ({errors[-1]})' if errors else ''}. If memory ran out (exit code -9), use fewer: -- --direct_num_workers=N"
                )


@contextlib.contextmanager
def watched_workers() -> Iterator[Workers]:
    """Watches the workers of all jobs that Beam runs in this process within the `with` block.

    Beam has no place to plug this in: for as long as the block lasts, two of its classes are replaced.

    Yields:
        The workers.
    """
    workers = Workers()
    connection = type("Connection", (Connection,), {"workers": workers})
    process = type("WorkerProcess", (WorkerProcess,), {"workers": workers})
    with _replaced(worker_handlers, "ControlConnection", connection), _replaced(local_job_service, "SubprocessSdkWorker", process):
        yield workers


@contextlib.contextmanager
def _replaced(module: ModuleType, name: str, replacement: type) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, replacement)
    try:
        yield
    finally:
        setattr(module, name, original)
