"""Opens the Beam pipeline of a step, with the options that its runner needs."""

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apache_beam as beam

LOCAL_RUNNER = "FnApiRunner"
TRACEBACK = "Traceback (most recent call last):\n"
# Before and after the message of an error that a user can correct: its class, which Beam may repeat, and the step of Beam's pipeline.
CLASS = re.compile(r"^(RuntimeError: )?((zfnet\.[\w.]+|ValueError|OSError|FileNotFoundError|PermissionError): )?")
STEP = re.compile(r" \[while running '[^\n]*'\]$")


@contextlib.contextmanager
def open_pipeline(runner: str, beam_options: Sequence[str] = (), output: str | None = None) -> Iterator["beam.Pipeline"]:
    """Yields a pipeline, runs it when the `with` block ends, and waits for its end.

    `FnApiRunner`, the local runner, uses one thread for each core, which suits images since decoding them releases the interpreter lock.
    With `--environment_type=EXTERNAL` it uses the processes of a worker pool. See `remote_options` for other runners.

    Args:
        runner: name of a Beam runner.
        beam_options: options as on Beam's command line, such as `--region=europe-west4`; they override those of this function.
        output: the directory that the pipeline writes.

    Raises:
        ValueError: an error on a worker, with its own message instead of Beam's traceback; or a worker died or never connected; or an
            option is missing or unknown.
    """
    import apache_beam as beam
    import grpc
    from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import ExternalEnvironment

    from zfnet.components.data.beam.options import check_options, check_runner_starts, remote_options
    from zfnet.components.data.beam.workers import watched_workers

    check_options(runner, beam_options)
    given = PipelineOptions(list(beam_options))
    portable = given.view_as(PortableOptions)
    defaults, runs = remote_options(runner, given, output), None
    if runner == LOCAL_RUNNER and portable.environment_type == "EXTERNAL":
        runs = FnApiRunner(default_environment=ExternalEnvironment.from_options(portable))
    elif runner == LOCAL_RUNNER:
        defaults += ["--direct_running_mode=multi_threading", f"--direct_num_workers={max(2, os.cpu_count() or 2)}"]
    options = PipelineOptions([f"--runner={runner}", *defaults, *beam_options])
    with watched_workers() as workers:
        try:
            with beam.Pipeline(runs, options=options) as pipeline:
                yield pipeline
        except (grpc.RpcError, grpc.FutureTimeoutError) as error:
            raise ValueError(
                workers.failure
                or f"Beam's job server or worker pool does not answer (--job_endpoint {portable.job_endpoint}, --environment_config "
                f"{portable.environment_config}). Start it, or correct the address."
            ) from error
        except (RuntimeError, ValueError, OSError, ImportError) as error:
            message = workers.failure or _original_message(str(error))
            if message == str(error) and workers.failure is None:
                raise
            raise ValueError(message) from error
    check_runner_starts(options)


def _original_message(text: str) -> str:
    """The message of the error on a worker, extracted from Beam's `text`; else `text`."""
    _, traceback, message = text.rpartition(TRACEBACK)
    if not traceback and not STEP.search(text):
        return text
    if traceback:
        message = "\n".join(line for line in message.splitlines() if line and not line.startswith(" "))
    return STEP.sub("", CLASS.sub("", message, count=1))
