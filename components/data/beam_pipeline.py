"""Opens the Beam pipeline of a step: one place for what a runner needs to be told."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apache_beam as beam

LOCAL_RUNNER = "FnApiRunner"


def open_pipeline(runner: str, beam_options: Sequence[str] = ()) -> "beam.Pipeline":
    """A pipeline that runs when its `with` block ends, and returns from it when everything is done.

    `FnApiRunner`, the local runner, works on one thread for each core, which suits photographs since decoding them releases the interpreter
    lock; options given in `beam_options` win.

    Args:
        runner: name of a Beam runner.
        beam_options: options for Beam, each as on its command line, such as `--region=europe-west4`.

    Returns:
        The pipeline.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    defaults = []
    if runner == LOCAL_RUNNER:
        defaults = ["--direct_running_mode=multi_threading", f"--direct_num_workers={max(2, os.cpu_count() or 2)}"]
    return beam.Pipeline(options=PipelineOptions([f"--runner={runner}", *defaults, *beam_options]))
