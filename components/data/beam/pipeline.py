"""Opens the Beam pipeline of a step, with the options that its runner needs."""

import contextlib
import difflib
import io
import os
import pathlib
import re
from collections.abc import Iterator, Sequence

import apache_beam as beam
import grpc
from apache_beam.options import pipeline_options
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import ExternalEnvironment

from zfnet.components.data.beam.options import DATAFLOW
from zfnet.components.data.beam.workers import watched_workers

LOCAL_RUNNER = "FnApiRunner"
TRACEBACK = "Traceback (most recent call last):\n"
# Before and after the message of an error that a user can correct: its class, which Beam may repeat, and the step of Beam's pipeline.
CLASS = re.compile(r"^(RuntimeError: )?((zfnet\.[\w.]+|ValueError|OSError|FileNotFoundError|PermissionError): )?")
STEP = re.compile(r" \[while running '[^\n]*'\]$")
# Runners with a job server, which may know more options than Beam; without the word "runner", as Beam's command line accepts them. So may
# a runner given as the full name of a class.
WITH_JOB_SERVER = ("portable", "flink", "kafkastreams", "prism", "spark")
CONTAINER_RUNNERS = (DATAFLOW, "PortableRunner", "FlinkRunner", "SparkRunner")
SETUP_FILE = pathlib.Path(__file__).parents[3] / "setup.py"  # missing beside an installed package


@contextlib.contextmanager
def open_pipeline(runner: str, beam_options: Sequence[str] = (), output: str | None = None) -> Iterator[beam.Pipeline]:
    """Yields a pipeline for the Beam runner called `runner`, runs it when the `with` block ends, and waits for its end.

    `FnApiRunner`, the local runner, uses one thread for each core, which suits images since decoding them releases the interpreter lock.
    With `--environment_type=EXTERNAL` it uses the processes of a worker pool. See `remote_options` for other runners.

    `beam_options` are as on Beam's command line, such as `--region=europe-west4`; they override those of this function. `output` is the
    directory that the pipeline writes.

    Raises:
        ValueError: an error on a worker, with its own message instead of Beam's traceback; or a worker died or never connected; or an
            option is missing or unknown.
    """
    check_options(runner, beam_options)
    given = pipeline_options.PipelineOptions(list(beam_options))
    portable = given.view_as(pipeline_options.PortableOptions)
    defaults, runs = remote_options(runner, given, output), None
    if runner == LOCAL_RUNNER and portable.environment_type == "EXTERNAL":
        runs = FnApiRunner(default_environment=ExternalEnvironment.from_options(portable))
    elif runner == LOCAL_RUNNER:
        defaults += ["--direct_running_mode=multi_threading", f"--direct_num_workers={max(2, os.cpu_count() or 2)}"]
    options = pipeline_options.PipelineOptions([f"--runner={runner}", *defaults, *beam_options])
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
            message = _original_message(workers.failure or str(error))
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


def check_options(runner: str, beam_options: Sequence[str]) -> None:
    """Checks options for a Beam runner, as in `open_pipeline`.

    Raises:
        ValueError: there is no such option, or its value is missing or of another type.
    """
    messages = io.StringIO()
    try:
        with contextlib.redirect_stderr(messages), contextlib.redirect_stdout(io.StringIO()):
            given = pipeline_options.PipelineOptions(list(beam_options))
            known, all_options = given.get_all_options(), given.get_all_options(retain_unknown_options=True)
    except SystemExit as error:  # argparse has printed a synopsis, then the error
        wrong = messages.getvalue().rpartition("error: ")[2].strip() or "--help is not an option here, see Beam's documentation"
        raise ValueError(f"Beam can't take the options behind --: {wrong}.") from error
    unknown = sorted(all_options.keys() - known.keys())
    if unknown and "." not in runner and runner.lower().removesuffix("runner") not in WITH_JOB_SERVER:
        near = difflib.get_close_matches(unknown[0], known)
        hint = f" Did you mean --{' or --'.join(near)}?" if near else ""
        raise ValueError(f"Beam has no option --{unknown[0]}.{hint} Only options of Beam and {runner} may follow --.")


def remote_options(runner: str, given: pipeline_options.PipelineOptions, output: str | None) -> list[str]:
    """Options that a runner needs besides those `given` by the user, which are never overridden; none for a local runner.

    Workers in a container that holds Beam alone get this package, built from its repository. Dataflow keeps its temporary files beside
    `output`, the directory that the workers write; None if unknown.

    Raises:
        ValueError: the workers cannot get this package, or cannot write the output.
    """
    options = []
    setup = given.view_as(pipeline_options.SetupOptions)
    in_a_container = runner in CONTAINER_RUNNERS and given.view_as(pipeline_options.PortableOptions).environment_type in (None, "DOCKER")
    if in_a_container and not (setup.setup_file or setup.extra_packages):
        if SETUP_FILE.exists():
            options.append(f"--setup_file={SETUP_FILE}")
        elif not given.view_as(pipeline_options.WorkerOptions).sdk_container_image:
            raise ValueError(
                f"The workers of {runner} need the package zfnet, which is built for them where it is used from its repository; here it is "
                "installed. Install it from the repository by `pip install --editable '.[gcp]'`, or give the package "
                "(-- --extra_package=zfnet-0.1.0.tar.gz) or an image that holds it (-- --sdk_container_image=IMAGE)."
            )
    if runner == DATAFLOW and output is not None:
        if "://" not in output:
            raise ValueError(
                f"The workers of {runner} are other machines and cannot write to a disk of this one: give a directory in Cloud Storage, "
                "gs://BUCKET/NAME."
            )
        if given.view_as(pipeline_options.GoogleCloudOptions).temp_location is None:
            options.append(f"--temp_location={output.rstrip('/')}-beam")
    return options


def check_runner_starts(options: pipeline_options.PipelineOptions) -> None:
    """Raises a ValueError if an option asked to build the job without running it, since no output exists then."""
    template = options.view_as(pipeline_options.GoogleCloudOptions).template_location
    if template or options.view_as(pipeline_options.TestOptions).dry_run:
        written = f"the job is in {template}" if template else "the job can be built"
        raise ValueError(f"Nothing was run, as {'--template_location' if template else '--dry_run'} asks: {written}, and no output exists.")
