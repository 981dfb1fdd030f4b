"""Opens the Beam pipeline of a step: one place for what a runner needs to be told."""

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apache_beam as beam

LOCAL_RUNNER = "FnApiRunner"
TRACEBACK = "Traceback (most recent call last):\n"
# What is written before and behind the message of an error that a user can mend: its class, which Beam may name once more, and Beam's step.
CLASS = re.compile(r"(RuntimeError: )?((zfnet\.[\w.]+|ValueError|OSError|FileNotFoundError|PermissionError): )?")
STEP = re.compile(r" \[while running '[^\n]*'\]$")


@contextlib.contextmanager
def open_pipeline(runner: str, beam_options: Sequence[str] = ()) -> Iterator["beam.Pipeline"]:
    """A pipeline that runs when its `with` block ends, and returns from it when everything is done.

    `FnApiRunner`, the local runner, works on one thread for each core, which suits photographs since decoding them releases the interpreter
    lock; options given in `beam_options` win.

    Args:
        runner: name of a Beam runner.
        beam_options: options for Beam, each as on its command line, such as `--region=europe-west4`.

    Yields:
        The pipeline.

    Raises:
        ValueError: something failed on a worker; the message is that of the error there, without the traceback that Beam makes of it.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    defaults = []
    if runner == LOCAL_RUNNER:
        defaults = ["--direct_running_mode=multi_threading", f"--direct_num_workers={max(2, os.cpu_count() or 2)}"]
    try:
        with beam.Pipeline(options=PipelineOptions([f"--runner={runner}", *defaults, *beam_options])) as pipeline:
            yield pipeline
    except (RuntimeError, ValueError, OSError) as error:
        message = _original_message(str(error))
        if message == str(error):
            raise
        raise ValueError(message) from error


def _original_message(text: str) -> str:
    """The message of the error on a worker, where `text` is what Beam made of it; else `text`."""
    _, traceback, message = text.rpartition(TRACEBACK)
    if not traceback and not STEP.search(text):
        return text
    if traceback:
        message = "\n".join(line for line in message.splitlines() if line and not line.startswith(" "))
    return STEP.sub("", message[CLASS.match(message).end() :])
