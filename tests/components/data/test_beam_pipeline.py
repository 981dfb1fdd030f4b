import subprocess
import sys
import threading

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions, StandardOptions

from zfnet.components.data.beam_pipeline import open_pipeline


def test_local_pipelines_use_several_threads_of_this_process():
    pipeline = open_pipeline("FnApiRunner")
    direct = pipeline.options.view_as(DirectOptions)
    assert direct.direct_running_mode == "multi_threading"
    assert direct.direct_num_workers >= 2


def test_given_options_win():
    pipeline = open_pipeline("FnApiRunner", ("--direct_num_workers=5", "--direct_running_mode=in_memory"))
    direct = pipeline.options.view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode) == (5, "in_memory")


def test_other_runners_are_told_nothing_but_what_is_given():
    pipeline = open_pipeline("BundleBasedDirectRunner", ("--region=here",))
    options = pipeline.options
    assert options.view_as(StandardOptions).runner == "BundleBasedDirectRunner"
    assert options.view_as(DirectOptions).direct_num_workers == 1
    assert options.view_as(GoogleCloudOptions).region == "here"


def test_everything_is_done_when_the_block_ends(tmp_path):
    with open_pipeline("FnApiRunner") as pipeline:
        _ = pipeline | beam.Create([3]) | beam.Map(lambda number: (tmp_path / str(number)).write_text(threading.current_thread().name))
    assert (tmp_path / "3").exists()


FAILS = """
import apache_beam as beam
from zfnet.components.data.beam_pipeline import open_pipeline

with open_pipeline("FnApiRunner") as pipeline:
    _ = pipeline | beam.Create([0]) | beam.Map(lambda number: 1 / number)
print("not reached")
"""


def test_a_step_that_fails_fails_the_pipeline():
    # In a process of its own: threads that Beam leaves behind may fail later, and would be taken for the failure of another test.
    process = subprocess.run([sys.executable, "-c", FAILS], capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert "ZeroDivisionError: division by zero" in process.stderr
    assert process.stdout == ""
